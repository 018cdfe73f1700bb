import Glibc
import LinuxPrimitives
import SandboxLauncher
import SandboxPolicy
import SandboxTestSupport
import TestSupport
import Testing

/// A process that is made ahead of its launch is a sandbox like any other, used once, and gone when nobody wants it.
@Suite(.serialized) struct PreparedProcessTests {
    /// Without what differs between any two supervisors and runs: the leased id, the name of a cgroup that could not be made, and
    /// whether the network namespace is shared, which begins with the second launch.
    private func comparable(_ report: RunReport) -> [String] {
        report.receipt.map { entry in
            let isOwn = [Protection.userNamespace, .cgroup, .networkNamespace].contains { $0.rawValue == entry.layer }
            return "\(entry.layer) \(entry.state)" + (isOwn ? "" : " " + entry.detail)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `the receipt, the outcome and the tool's view are those of any run`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            let confinement = try policy.confinement(workspace: fixture.workspace, workspaceWritable: true)
            let script = "id -u; cat /proc/self/uid_map; ls -l /proc/self/fd | wc -l; hostname; mount | wc -l; echo x > file; cat file"
            let request = RunRequest(
                arguments: ["/bin/sh", "-c", script], confinement: confinement, policyName: policy.name, policyHash: policy.hash)
            let other = try SandboxSupervisor(launcherPath: Products.launcher)
            defer { other.shutDown() }
            let plain = other.run(request)
            let ahead = try SandboxSupervisor(launcherPath: Products.launcher, prestarts: true)
            defer { ahead.shutDown() }
            // The first is the prepared one, the others have none; the last lets the launcher go.
            for isLast in [false, false, true] {
                let report = ahead.run(request, isLast: isLast)
                #expect(report.outcome == .exited(code: 0))
                #expect(comparable(report) == comparable(plain))
                #expect(withoutIDs(report.stdout.head) == withoutIDs(plain.stdout.head))
                #expect(stages(report) == stages(plain))
            }
        }
    }

    /// Those that a prepared process has behind it take no time, and may stand elsewhere.
    private func stages(_ report: RunReport) -> [String] { report.stages.map(\.name).sorted() }

    /// The host's id differs from run to run.
    private func withoutIDs(_ output: [UInt8]) -> [String] {
        String(decoding: output, as: UTF8.self).split(separator: "\n").map(String.init).enumerated().filter { $0.offset != 1 }.map(
            \.element)
    }

    /// In a process of its own, where every child is of this test.
    @Test(.timeLimit(.minutes(1))) func `unused it is dead before the supervisor is shut down`() async throws {
        await #expect(processExitsWith: .success) {
            for _ in 0..<10 {
                let supervisor = try SandboxSupervisor(launcherPath: Products.launcher, prestarts: true)
                let launcher = try #require(try ProcessTable.children(of: getpid()).first)
                if case .v2 = KernelFacts.controlGroups { // there it is cloned into its group
                    supervisor.shutDown()
                    continue
                }
                var prepared: ProcessTable.Entry?
                let deadline = MonotonicClock.now() + 10_000_000_000
                while prepared == nil, MonotonicClock.now() < deadline { prepared = try ProcessTable.children(of: launcher.pid).first }
                let process = try #require(prepared)
                supervisor.shutDown()
                let now = try ProcessTable.entry(process.pid)
                #expect(now == nil || now?.startTime != process.startTime || now?.state == "Z" || now?.state == "X")
                #expect(try ProcessTable.children(of: getpid()).isEmpty)
            }
        }
    }

    /// A launcher that somebody has stopped cannot leave by itself.
    @Test(.timeLimit(.minutes(1))) func `a stopped launcher holds up no shutdown`() async throws {
        await #expect(processExitsWith: .success) {
            let supervisor = try SandboxSupervisor(launcherPath: Products.launcher, prestarts: true)
            let launcher = try #require(try ProcessTable.children(of: getpid()).first)
            #expect(kill(launcher.pid, SIGSTOP) == 0)
            supervisor.shutDown()
            #expect(try ProcessTable.children(of: getpid()).isEmpty)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a launch that it does not fit gets a process of its own`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            let confinement = try policy.confinement(workspace: fixture.workspace, workspaceWritable: true)
            let ahead = try SandboxSupervisor(launcherPath: Products.launcher, prestarts: true)
            defer { ahead.shutDown() }
            // Over the size that travels in one message.
            let long = String(repeating: "x", count: 100 << 10)
            let report = ahead.run(
                RunRequest(
                    arguments: ["/bin/sh", "-c", "echo ${#1}", "sh", long], confinement: confinement, policyName: policy.name,
                    policyHash: policy.hash))
            #expect(report.outcome == .exited(code: 0))
            #expect(String(decoding: report.stdout.head, as: UTF8.self) == "\(100 << 10)\n")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a source that cannot be had stops the launch with its reason`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            let confinement = try policy.confinement(workspace: fixture.workspace, workspaceWritable: true)
            let ahead = try SandboxSupervisor(launcherPath: Products.launcher, prestarts: true)
            defer { ahead.shutDown() }
            let report = ahead.run(
                RunRequest(
                    arguments: ["/nonexistent"], confinement: confinement, policyName: policy.name, policyHash: policy.hash))
            #expect(report.outcome == .notFound(program: "/nonexistent"))
            let again = ahead.run(
                RunRequest(
                    arguments: ["/bin/true"], confinement: confinement, policyName: policy.name, policyHash: policy.hash,
                    workingDirectory: "/nowhere"))
            guard case .setupFailed(let stage, _, _) = again.outcome else {
                Issue.record("\(again.outcome)")
                return
            }
            #expect(stage == "credentials")
        }
    }

    /// The launcher of one launch ends after its init, and takes the mounts along.
    @Test(.timeLimit(.minutes(1))) func `the only launch leaves nothing`() async throws {
        await #expect(processExitsWith: .success) {
            try await SandboxFixture.with("only") { fixture in
                let policy = try TestPolicies.shipped("workspace")
                let confinement = try policy.confinement(workspace: fixture.workspace, workspaceWritable: true)
                let before = try LeakCount.now()
                for _ in 0..<10 {
                    let ahead = try SandboxSupervisor(launcherPath: Products.launcher, prestarts: true, isForOneRun: true)
                    let request = RunRequest(
                        arguments: ["/bin/true"], confinement: confinement, policyName: policy.name, policyHash: policy.hash)
                    let report = ahead.run(request, isLast: true)
                    ahead.shutDown()
                    #expect(report.outcome == .exited(code: 0))
                }
                let after = try LeakCount.now()
                #expect(after == before, "\(before); \(after)")
            }
        }
    }
}
