internal import Glibc
internal import Glovebox
internal import LinuxPrimitives
internal import SandboxLauncher
internal import SandboxPolicy

/// One sealed run of /bin/true, as any tool would be run: the only fact that decides whether Glovebox works here.
struct TrialRun {
    static let policy = "workspace"

    var finding: HostFinding
    /// nil when it came to no run.
    var report: RunReport?

    /// - Parameter prepared: in a sandbox that was built before the run.
    static func perform(prepared: Bool = false) -> TrialRun {
        do throws(PolicyError) {
            let policy = try PolicyStore.standard().load(policy)
            guard let directory = TemporaryDirectory() else {
                return failed("no directory could be made for it", "free space in /tmp, or point TMPDIR elsewhere")
            }
            let workspace = try Workspace(checking: directory.path, writable: true)
            let confinement = try policy.confinement(workspace: workspace.path, workspaceWritable: true)
            let request = RunRequest(
                arguments: ["/bin/true"], confinement: confinement, policyName: policy.name, policyHash: policy.hash,
                output: .capture(keep: 4096), workspaceIdentity: .init(device: workspace.device, inode: workspace.inode))
            return run(request, prepared: prepared)
        } catch {
            return failed(error.description, "glovebox policy check \(policy)")
        }
    }

    private static func run(_ request: RunRequest, prepared: Bool) -> TrialRun {
        let supervisor: SandboxSupervisor
        do throws(LaunchError) {
            supervisor = try SandboxSupervisor(pool: prepared ? SandboxPoolSettings() : nil)
            if prepared { try supervisor.prepare(for: request) }
        } catch {
            return failed(error.message, error.mend)
        }
        defer { supervisor.shutDown() }
        let began = MonotonicClock.now()
        let report = supervisor.run(request)
        let microseconds = (MonotonicClock.now() - began) / 1000
        guard report.outcome == .exited(code: 0) else {
            let sentence = RunSummary.sentence(report.outcome) ?? "the tool said \(report.outcome)"
            return TrialRun(
                finding: HostFinding(
                    "sealed-run", .broken, "/bin/true: \(sentence)", cost: "no tool can be run", mend: "see the lines above"),
                report: report)
        }
        let time = "\(microseconds / 1000).\(String(microseconds % 1000 / 100)) ms"
        let weak = report.receipt.filter { $0.state == .partial || $0.state == .waived }
        let rest = weak.isEmpty ? ", every protection enforced" : "; in part only: " + weak.map(\.layer).joined(separator: ", ")
        return TrialRun(
            finding: HostFinding("sealed-run", .ok, "/bin/true under `\(policy)` in \(time), launcher started first\(rest)"), report: report
        )
    }

    private static func failed(_ fact: String, _ mend: String) -> TrialRun {
        TrialRun(finding: HostFinding("sealed-run", .broken, fact, cost: "no tool can be run", mend: mend), report: nil)
    }
}

/// An empty directory of our own below TMPDIR, removed with its value.
private struct TemporaryDirectory: ~Copyable {
    let path: String

    init?() {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array((base + "/glovebox-doctor-XXXXXX").utf8CString)
        guard let made = mkdtemp(&template) else { return nil }
        path = String(cString: made)
    }

    deinit { rmdir(path) }
}
