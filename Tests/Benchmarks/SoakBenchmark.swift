internal import Benchmarking
internal import Glibc
internal import LinuxPrimitives
internal import SandboxLauncher
internal import SandboxPolicy
internal import Synchronization
internal import TestSupport

/// Many runs, four at a time: what the process and the host hold at the end is what they held at the start.
struct SoakBenchmark {
    let policies: BenchmarkPolicies
    let runs: Int
    private static let callers = 4

    private struct Counts {
        let wrong: Int
        let before: HostCensus
        let after: HostCensus
    }

    /// True when nothing was left and every run ended as it should.
    func run() throws -> Bool {
        let bare = try HostCensus.take()
        print("without a supervisor: \(bare)")
        let counts = try soak()
        let end = try HostCensus.take()
        print("after shutting down: \(end)")
        let isFlat = counts.after.residentKiB <= counts.before.residentKiB + 8192
        let isSame = counts.after.held == counts.before.held
        let isClean = end.held == bare.held
        print("wrong outcomes: \(counts.wrong); memory flat within 8 MiB: \(isFlat)")
        print("the same held before and after the runs: \(isSame); nothing held after shutting down: \(isClean)")
        return counts.wrong == 0 && isFlat && isSame && isClean
    }

    /// All runs with one supervisor, which is shut down and gone afterwards.
    private func soak() throws -> Counts {
        let workspace = try ScratchDirectory("soak")
        defer { workspace.remove() }
        let policy = try policies.resolved("workspace")
        let confinement = try policy.confinement(workspace: workspace.path, workspaceWritable: true)
        let supervisor = try SandboxSupervisor()
        defer { supervisor.shutDown() }
        // Mixed: a plain exit, a failure, a refused call, output, a process left behind.
        let commands = [
            ["/bin/true"], ["/bin/sh", "-c", "exit 3"], ["/usr/bin/unshare", "-U", "/bin/true"], ["/bin/sh", "-c", "seq 2000"],
            ["/bin/sh", "-c", "sleep 60 >/dev/null 2>&1 & exit 0"],
        ]
        let expected: [Int32] = [0, 3, 1, 0, 0]
        func batch(_ count: Int, from start: Int) throws -> Int {
            let wrong = Mutex(0)
            let next = Mutex(start)
            try JoinedThread.together(Self.callers) { _ in
                while true {
                    let index = next.withLock { value in
                        value += 1
                        return value - 1
                    }
                    guard index < start + count else { return }
                    let kind = index % commands.count
                    let report = supervisor.run(
                        RunRequest(
                            arguments: commands[kind], confinement: confinement, policyName: policy.name, policyHash: policy.hash,
                            output: .capture(keep: 1 << 14)))
                    if report.outcome != .exited(code: expected[kind]) {
                        wrong.withLock { $0 += 1 }
                        print("run \(index): \(commands[kind]) ended as \(report.outcome)")
                    }
                }
            }
            return wrong.withLock { $0 }
        }

        var wrong = try batch(200, from: 0) // caches and pools fill
        let before = try HostCensus.take()
        print("start: \(before)")
        let tenth = max(1, runs / 10)
        for part in 0..<10 {
            wrong += try batch(tenth, from: part * tenth)
            print("\((part + 1) * tenth) runs: \(try HostCensus.take())")
        }
        return Counts(wrong: wrong, before: before, after: try HostCensus.take())
    }
}

/// What must not grow: what a leak would take, and the memory in use.
struct HostCensus: CustomStringConvertible {
    let held: LeakCount
    let residentKiB: Int

    static func take() throws -> HostCensus {
        let held = try LeakCount.now()
        let path = "/proc/self/status"
        let line = try SmallFile.text(path).split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        guard let resident = line.split(whereSeparator: { !$0.isNumber }).first.flatMap({ Int($0) }) else {
            throw SystemError(errno: EBADMSG, operation: "read", object: path)
        }
        return HostCensus(held: held, residentKiB: resident)
    }

    var description: String { "\(held), \(residentKiB) KiB resident" }
}
