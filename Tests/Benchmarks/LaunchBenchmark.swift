internal import CLinuxShims
internal import Glibc
internal import LinuxPrimitives
internal import SandboxLauncher
internal import SandboxPolicy
internal import TestSupport

/// `/bin/true` bare; through the library in a sandbox that is built for it (`cold`), built from the policy's template, and prepared
/// before; then the two whole commands, ours and bwrap's at equal isolation: all namespaces, private root, no capabilities, a filter.
struct LaunchBenchmark {
    let directory: String
    let policies: BenchmarkPolicies
    let rounds: Int

    func run() throws {
        let scratch = try ScratchDirectory("bench")
        defer { scratch.remove() }
        let workspace = scratch.path
        let policy = try policies.resolved("workspace")
        let confinement = try policy.confinement(workspace: workspace, workspaceWritable: true)
        let request = RunRequest(
            arguments: ["/bin/true"], confinement: confinement, policyName: policy.name, policyHash: policy.hash,
            output: .capture(keep: 1 << 16))
        let cold = try SandboxSupervisor(usesTemplates: false)
        defer { cold.shutDown() }
        let template = try SandboxSupervisor()
        defer { template.shutDown() }
        // Filled before each run: what building costs belongs to no case here (the soak has it).
        var settings = SandboxPoolSettings()
        (settings.perKind, settings.callsBefore) = (1, .max)
        let prepared = try SandboxSupervisor(pool: settings)
        defer { prepared.shutDown() }
        let stages = StageTimes()

        var cases = [BenchmarkCase(name: "bare", command: "/bin/true", run: BareLaunch(["/bin/true"]).callAsFunction)]
        for (supervisor, kind) in [(cold, LaunchKind.cold), (template, .template), (prepared, .prepared)] {
            cases.append(
                BenchmarkCase(
                    name: kind.rawValue, command: "SandboxSupervisor.run, policy workspace",
                    before: { supervisor.fill(for: request, kind) }, run: { stages.run(request, with: supervisor, as: kind) }))
        }
        let command = directory + "/glovebox"
        if access(command, X_OK) == 0 {
            let arguments = [command, "run", "--workspace", workspace, "--", "/bin/true"]
            cases.append(
                BenchmarkCase(
                    name: "glovebox-command", command: arguments.joined(separator: " "), run: BareLaunch(arguments).callAsFunction))
        }
        if let bwrap = Peers.bwrap() {
            let filter = try bwrapFilter()
            let arguments = Peers.bwrapArguments(bwrap) + ["/bin/true"]
            let launch = BareLaunch(arguments, extra: filter.take())
            cases.append(BenchmarkCase(name: "bwrap", command: arguments.joined(separator: " "), run: launch.callAsFunction))
        } else {
            print("bwrap is not installed: no peer to compare with (apt-get install bubblewrap)")
        }

        let before = Interleaved.load
        let measurements = try Interleaved.measure(cases, rounds: rounds, warmUp: max(5, rounds / 20))
        print("load before \(before), after \(Interleaved.load); \(rounds) interleaved rounds; microseconds")
        Table.row("case", ["min", "median", "p95", "p99", "x bare", "x bwrap"])
        let bare = measurements[0].median
        let bwrap = measurements.first { $0.name == "bwrap" }?.median
        for item in measurements {
            let peer = bwrap.map { Table.number(item.median / $0, decimals: 2) } ?? "-"
            Table.row(
                item.name,
                [0, 0.5, 0.95, 0.99].map { Table.number(item.percentile($0)) } + [Table.number(item.median / bare, decimals: 2), peer])
        }
        stages.print()
        for item in cases { print("\(item.name): \(item.command)") }
    }

    /// The same rules without a listener, which bwrap could not serve.
    private func bwrapFilter() throws -> OwnedDescriptor {
        let demands = FilterDemands(mediateCreation: false, mediateMemfd: false, mediateNetwork: false, canNotify: false)
        let specification = try SyscallCatalogue.specification(
            for: SyscallRules(), maySpawn: true, network: NetworkConfinement(), demands: demands)
        return try MemoryFile.make(name: "filter", bytes: try FilterCompiler.compile(specification).bytes, sealed: false)
    }
}

extension SandboxSupervisor {
    fileprivate func fill(for request: RunRequest, _ kind: LaunchKind) -> String? {
        guard kind == .prepared else { return nil }
        do {
            return try prepare(for: request) ? nil : "no sandbox could be prepared"
        } catch {
            return "\(error)"
        }
    }
}

/// Where runs of each kind spent their time.
private final class StageTimes {
    private var runs: [LaunchKind: [[(name: String, microseconds: UInt64)]]] = [:]

    func run(_ request: RunRequest, with supervisor: SandboxSupervisor, as kind: LaunchKind) -> String? {
        let report = supervisor.run(request)
        runs[kind, default: []].append(report.stages)
        guard report.outcome == .exited(code: 0) else { return "\(report.outcome)" }
        // The launcher makes a template at the second launch.
        return report.launch == kind || kind == .template && runs[kind]?.count == 1 ? nil : "the launch was \(report.launch.rawValue)"
    }

    func print() {
        for kind in [LaunchKind.cold, .template, .prepared] {
            guard let all = runs[kind], let names = all.last?.map(\.name) else { continue }
            Swift.print("stages of \(kind.rawValue), median microseconds:")
            for name in names {
                let times = all.compactMap { $0.first { $0.name == name }?.microseconds }.sorted()
                if !times.isEmpty { Table.row("  " + name, ["\(times[times.count / 2])"]) }
            }
        }
    }
}

/// Sandboxes of others, and how they are asked for what Glovebox does by default.
enum Peers {
    static func bwrap() -> String? {
        ["/usr/bin/bwrap", "/usr/local/bin/bwrap"].first { access($0, X_OK) == 0 }
    }

    static func bwrapArguments(_ path: String) -> [String] {
        [path]
            + """
            --unshare-user --unshare-pid --unshare-net --unshare-ipc --unshare-uts --unshare-cgroup-try --ro-bind /usr /usr \
            --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 --ro-bind /etc/ld.so.cache /etc/ld.so.cache \
            --proc /proc --dev /dev --tmpfs /tmp --cap-drop ALL --die-with-parent --new-session --seccomp 9
            """.split(separator: " ").map(String.init)
    }
}
