internal import Glibc
internal import LinuxPrimitives
package import SandboxLauncher
package import SandboxPolicy
internal import Synchronization
package import TestSupport

/// What one test needs: a name of its own, a scratch directory with a workspace, a supervisor, and all of it gone at the end.
package final class SandboxFixture: Sendable {
    /// Unique in this process and, with its pid, on this machine.
    package let id: String
    package let scratch: ScratchDirectory
    package let supervisor: SandboxSupervisor
    /// A project directory: of uid 1000 when the supervisor is root, else of the caller.
    package let workspace: String
    private let cleanups = Mutex<[@Sendable () -> Void]>([])
    private static let counter = Atomic<Int>(0)

    package static let workspaceOwner: UInt32 = KernelFacts.isRoot ? 1000 : getuid()

    /// Runs a test body with a fixture and takes everything down afterwards, last made first, also when the body throws.
    package static func with<Value>(
        _ label: String = #function, usesCgroups: Bool = true, pool: SandboxPoolSettings? = LaunchMode.current.pool,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (SandboxFixture) async throws -> Value
    ) async throws -> Value {
        let fixture = try SandboxFixture(label, usesCgroups: usesCgroups, pool: pool)
        do {
            let value = try await body(fixture)
            fixture.tearDown()
            return value
        } catch {
            fixture.tearDown()
            throw error
        }
    }

    package init(_ label: String, usesCgroups: Bool = true, pool: SandboxPoolSettings? = LaunchMode.current.pool) throws {
        let number = Self.counter.add(1, ordering: .relaxed).newValue
        id = "\(getpid())-\(number)"
        let word = label.filter { $0.isASCII && ($0.isLetter || $0.isNumber) }.prefix(24)
        scratch = try ScratchDirectory("\(word)-\(id)")
        workspace = scratch.path + "/workspace"
        try HostFile.makeDirectory(workspace)
        try HostFile.give(workspace, to: Self.workspaceOwner)
        supervisor = try SandboxSupervisor(launcherPath: Products.launcher, usesCgroups: usesCgroups, pool: pool)
    }

    /// Registers something to be undone at the end.
    package func atEnd(_ body: @escaping @Sendable () -> Void) {
        cleanups.withLock { $0.append(body) }
    }

    package func tearDown() {
        for body in cleanups.withLock({ list in
            defer { list = [] }; return list
        }).reversed() { body() }
        supervisor.shutDown()
        scratch.remove()
    }

    // MARK: - Files of the workspace

    package func path(_ name: String) -> String { workspace + "/" + name }

    /// A file in the workspace that belongs to the workspace's owner.
    @discardableResult
    package func file(_ name: String, _ text: String = "", mode: UInt32 = 0o644) throws -> String {
        try HostFile.write(path(name), text, mode: mode)
        try HostFile.give(path(name), to: Self.workspaceOwner)
        return path(name)
    }

    @discardableResult
    package func directory(_ name: String, mode: UInt32 = 0o755) throws -> String {
        try HostFile.makeDirectory(path(name), mode: mode)
        try HostFile.give(path(name), to: Self.workspaceOwner)
        return path(name)
    }

    @discardableResult
    package func link(_ name: String, to target: String) throws -> String {
        guard symlink(target, path(name)) == 0 else { throw SystemError(errno: errno, operation: "symlink", object: name) }
        try HostFile.give(path(name), to: Self.workspaceOwner)
        return path(name)
    }

    // MARK: - Runs

    package func request(
        _ policy: ResolvedPolicy, _ arguments: [String], workspace: String? = nil, writable: Bool = true,
        environment: [String: String] = [:], input: RunRequest.Input = .none, output: RunRequest.Output = .capture(keep: 512 << 10),
        workingDirectory: String? = nil, channel: ToolChannel? = nil
    ) throws -> RunRequest {
        let confinement = try policy.confinement(workspace: workspace ?? self.workspace, workspaceWritable: writable)
        var request = RunRequest(
            arguments: arguments, confinement: confinement, policyName: policy.name, policyHash: policy.hash,
            workingDirectory: workingDirectory, environment: environment.merging(Products.environment) { mine, _ in mine }, input: input,
            output: output, channel: channel)
        if LaunchMode.current == .parked, arguments.first == Products.probe { request.parkable = ParkedProbe.program() }
        return request
    }

    /// One sealed run.
    package func seal(
        _ policy: ResolvedPolicy, _ arguments: [String], workspace: String? = nil, writable: Bool = true,
        environment: [String: String] = [:], input: RunRequest.Input = .none, output: RunRequest.Output = .capture(keep: 512 << 10),
        workingDirectory: String? = nil
    ) async throws -> RunReport {
        let request = try request(
            policy, arguments, workspace: workspace, writable: writable, environment: environment, input: input, output: output,
            workingDirectory: workingDirectory)
        let report = await supervisor.run(request)
        try LaunchMode.current.check(report, of: request)
        return report
    }

    /// One sealed run of sandbox-probe.
    package func probe(_ policy: ResolvedPolicy, _ action: String..., workspace: String? = nil) async throws -> RunReport {
        try await seal(policy, [Products.probe] + action, workspace: workspace)
    }

    /// The same action with nothing around it.
    package func outside(_ action: String..., workingDirectory: String? = nil) throws -> ProbeAnswer {
        try BareProcess.run([Products.probe] + action, workingDirectory: workingDirectory ?? workspace).answer
    }
}
