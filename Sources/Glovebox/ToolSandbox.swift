internal import SandboxLauncher
internal import SandboxPolicy

/// Runs untrusted tools sealed: each in a process tree of its own that the kernel confines to a policy.
///
/// ```swift
/// import Glovebox
///
/// let sandbox = try ToolSandbox()
/// let run = try await sandbox.run(["python3", "-c", "print(1)"], policy: .named("python"), workspace: "/srv/project")
/// print(run.outcome, run.standardOutput)
/// ```
///
/// One value serves any number of calls at once. The end of this process, even by SIGKILL, ends every tool.
public final class ToolSandbox: Sendable {
    private let supervisor: SandboxSupervisor
    private let store: PolicyStore

    /// Starts nothing yet: the launcher process comes with the first call.
    /// - Parameters:
    ///   - launcher: path of `glovebox-launcher`; nil looks beside the running program and in `../libexec/glovebox`.
    ///   - policies: directory of the shipped policies; nil looks relative to the running program.
    public init(launcher: String? = nil, policies: String? = nil) throws(GloveboxError) {
        var store = PolicyStore.standard()
        if let policies { store.shippedDirectory = policies }
        self.store = store
        do {
            supervisor = try SandboxSupervisor(launcherPath: launcher)
        } catch {
            throw GloveboxError(error)
        }
    }

    /// Runs one call to its end. Cancelling the task kills the whole tree of the tool; the outcome is then `cancelled`.
    ///
    /// - Parameters:
    ///   - arguments: the program and its arguments. A name without a slash is looked up inside the sandbox.
    ///   - policy: what the call may touch.
    ///   - workspace: directory that the policy's `filesystem:workspace:` rules speak of, with the same path inside; it must be
    ///     a real directory and not a system or home directory. Nil for policies without such rules.
    ///   - input: bytes on standard input.
    ///   - environment: variables for this call, over those of the policy. The tool gets no others of this process.
    ///   - timeout: replaces the policy's wall-clock limit.
    ///   - keepingOutput: bytes that are kept of each stream, half of its head and half of its tail.
    public func run(
        _ arguments: [String], policy: PolicyReference = .named("workspace"), workspace: String? = nil, input: [UInt8] = [],
        environment: [String: String] = [:], timeout: Duration? = nil, keepingOutput: Int = 512 << 10
    ) async throws(GloveboxError) -> ToolRun {
        let request = try request(
            arguments, policy: policy, workspace: workspace, input: input, environment: environment, timeout: timeout,
            keepingOutput: keepingOutput)
        return ToolRun(await supervisor.run(request))
    }

    private func request(
        _ arguments: [String], policy: PolicyReference, workspace: String?, input: [UInt8], environment: [String: String],
        timeout: Duration?, keepingOutput: Int
    ) throws(GloveboxError) -> RunRequest {
        var place: Workspace?
        if let workspace {
            do {
                place = try Workspace(checking: workspace, writable: true)
            } catch {
                throw GloveboxError(.workspace, error)
            }
        }
        do throws(PolicyError) {
            var resolved = try load(policy)
            if let timeout {
                let (seconds, attoseconds) = timeout.components
                let milliseconds = UInt64(clamping: seconds).multipliedReportingOverflow(by: 1000)
                let fraction = UInt64(clamping: attoseconds / 1_000_000_000_000_000)
                let limit = milliseconds.overflow ? UInt64(Int64.max) : milliseconds.partialValue + fraction
                resolved = try resolved.adding(PolicyOverrides(limits: [.wall: limit]))
            }
            if place == nil, resolved.usesWorkspace {
                throw PolicyError(
                    file: "policy `\(resolved.name)`", message: "it speaks of a workspace, and none was given",
                    mend: "pass `workspace:`, or use a policy without one, for example `compute`")
            }
            let confinement = try resolved.confinement(workspace: place?.path, workspaceWritable: true)
            return RunRequest(
                arguments: arguments, confinement: confinement, policyName: resolved.name, policyHash: resolved.hash,
                environment: environment, input: input.isEmpty ? .none : .bytes(input), output: .capture(keep: max(0, keepingOutput)),
                workspaceIdentity: place.map { .init(device: $0.device, inode: $0.inode) })
        } catch {
            throw GloveboxError(.policy, error)
        }
    }

    private func load(_ reference: PolicyReference) throws(PolicyError) -> ResolvedPolicy {
        switch reference {
        case .named(let name), .file(let name):
            // A bare file name in the current directory must not be taken for a name in the store.
            if case .file = reference, !PolicyStore.isPath(name) { return try store.load("./" + name) }
            return try store.load(name)
        case .text(let text): return try store.load(Array(text.utf8), fileName: "policy")
        }
    }
}

/// Where a policy comes from.
public enum PolicyReference: Sendable, Equatable {
    /// A shipped policy (`compute`, `read-only`, `workspace`, `shell`, `python`, `build`) or one of the host's own.
    case named(String)
    /// A file.
    case file(String)
    /// YAML or JSON.
    case text(String)
}
