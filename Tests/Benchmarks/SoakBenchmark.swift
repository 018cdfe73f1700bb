internal import Glibc
internal import LinuxPrimitives
internal import SandboxLauncher
internal import SandboxPolicy
internal import Synchronization

/// Many runs, four at a time: what the process and the host hold at the end is what they held at the start.
struct SoakBenchmark {
    let policies: BenchmarkPolicies
    let runs: Int
    private static let callers = 4

    /// True when nothing was left and every run ended as it should.
    func run() throws -> Bool {
        let workspace = try Scratch.directory()
        defer { rmdir(workspace) }
        let policy = try policies.resolved("workspace")
        let confinement = try policy.confinement(workspace: workspace, workspaceWritable: true)
        let supervisor = try SandboxSupervisor()
        // Mixed: a plain exit, a failure, a refused call, output, a process left behind.
        let commands = [
            ["/bin/true"], ["/bin/sh", "-c", "exit 3"], ["/usr/bin/unshare", "-U", "/bin/true"], ["/bin/sh", "-c", "seq 2000"],
            ["/bin/sh", "-c", "sleep 60 >/dev/null 2>&1 & exit 0"],
        ]
        let expected: [Int32] = [0, 3, 1, 0, 0]
        func batch(_ count: Int, from start: Int) -> Int {
            let wrong = Mutex(0)
            let next = Mutex(start)
            var threads: [pthread_t] = []
            for _ in 0..<Self.callers {
                let work: @Sendable () -> Void = {
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
                threads.append(SoakThread.start(work))
            }
            for thread in threads { pthread_join(thread, nil) }
            return wrong.withLock { $0 }
        }

        _ = batch(200, from: 0) // caches and pools fill
        let before = HostCensus.take()
        print("start: \(before)")
        var wrong = 0
        let tenth = max(1, runs / 10)
        for part in 0..<10 {
            wrong += batch(tenth, from: part * tenth)
            print("\((part + 1) * tenth) runs: \(HostCensus.take())")
        }
        let after = HostCensus.take()
        supervisor.shutDown()
        let flat = after.residentKiB <= before.residentKiB + 8192
        let same =
            after.descriptors == before.descriptors && after.mounts == before.mounts && after.cgroups == before.cgroups
            && after.zombies == before.zombies
        print("wrong outcomes: \(wrong); same descriptors, mounts, cgroups and zombies: \(same); memory flat within 8 MiB: \(flat)")
        return wrong == 0 && same && flat
    }
}

enum SoakThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    static func start(_ run: @escaping @Sendable () -> Void) -> pthread_t {
        var thread = pthread_t()
        let body = Unmanaged.passRetained(Body(run))
        let failed = pthread_create(
            &thread, nil,
            { context in
                if let context { Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run() }
                return nil
            }, body.toOpaque())
        precondition(failed == 0, "no thread for the soak")
        return thread
    }
}

/// What could leak, counted.
struct HostCensus: CustomStringConvertible {
    var descriptors = 0
    var mounts = 0
    var cgroups = 0
    var zombies = 0
    var residentKiB = 0

    static func take() -> HostCensus {
        var census = HostCensus()
        census.descriptors = names(in: "/proc/self/fd").count
        census.mounts = ((try? SmallFile.text("/proc/self/mountinfo")) ?? "").split(separator: "\n").count
        for hierarchy in ["memory", "pids", "unified"] {
            census.cgroups += countGroups("/sys/fs/cgroup/\(hierarchy)", depth: 0)
        }
        for name in names(in: "/proc") where name.allSatisfy(\.isNumber) {
            let stat = (try? SmallFile.text("/proc/\(name)/stat")) ?? ""
            if let state = stat.split(separator: ")").last?.split(separator: " ").first, state == "Z" { census.zombies += 1 }
        }
        let status = (try? SmallFile.text("/proc/self/status")) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") } ?? ""
        census.residentKiB = line.split(whereSeparator: { !$0.isNumber }).first.flatMap { Int($0) } ?? 0
        return census
    }

    var description: String {
        "\(descriptors) descriptors, \(mounts) mounts, \(cgroups) cgroups, \(zombies) zombies, \(residentKiB) KiB resident"
    }

    private static func countGroups(_ path: String, depth: Int) -> Int {
        guard depth < 6 else { return 0 }
        return names(in: path).reduce(0) { sum, name in
            let child = "\(path)/\(name)"
            guard (try? FileIdentity.of(path: child, followingLink: false))?.isDirectory == true else { return sum }
            return sum + (name.hasPrefix("glovebox-") ? 1 : 0) + countGroups(child, depth: depth + 1)
        }
    }

    private static func names(in path: String) -> [String] {
        guard let directory = try? PathResolution.openDirectory(path: path, resolve: []) else { return [] }
        return ((try? DirectoryListing.names(directory.rawValue)) ?? []).filter { $0 != "." && $0 != ".." }
    }
}
