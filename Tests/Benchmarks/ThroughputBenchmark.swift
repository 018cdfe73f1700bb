internal import Glibc
internal import LinuxPrimitives
internal import SandboxLauncher
internal import SandboxPolicy
internal import Synchronization
internal import TestSupport

/// Several callers at once, each with one `/bin/true` after the other: bare, and sealed with a pool that is filled again meanwhile. In
/// turns, so that both meet the same machine.
struct ThroughputBenchmark {
    let policies: BenchmarkPolicies
    let seconds: Int
    let settings: SandboxPoolSettings
    private static let callers = 4
    private static let slices = 4

    /// What the callers of one slice did.
    private struct Slice {
        var times: [Double] = []
        var nanoseconds: UInt64 = 0
        var kinds: [LaunchKind: Int] = [:]
        var problem: String?

        mutating func add(_ other: Slice) {
            times += other.times
            nanoseconds += other.nanoseconds
            kinds.merge(other.kinds) { $0 + $1 }
            problem = problem ?? other.problem
        }

        var perSecond: Double { nanoseconds == 0 ? 0 : Double(times.count) * 1e9 / Double(nanoseconds) }
    }

    func run() throws {
        let workspace = try ScratchDirectory("throughput")
        defer { workspace.remove() }
        let policy = try policies.resolved("workspace")
        let confinement = try policy.confinement(workspace: workspace.path, workspaceWritable: true)
        let supervisor = try SandboxSupervisor(pool: settings)
        defer { supervisor.shutDown() }
        let request = RunRequest(
            arguments: ["/bin/true"], confinement: confinement, policyName: policy.name, policyHash: policy.hash,
            output: .capture(keep: 1 << 14))
        let bareLaunch = BareLaunch(["/bin/true"])
        let bare: @Sendable () -> (LaunchKind?, String?) = { (nil, bareLaunch()) }
        let sealed: @Sendable () -> (LaunchKind?, String?) = {
            let report = supervisor.run(request)
            return (report.launch, report.outcome == .exited(code: 0) ? nil : "\(report.outcome)")
        }
        let length = UInt64(seconds) * 1_000_000_000 / UInt64(2 * Self.slices)
        _ = Self.measure(sealed, for: length / 2) // caches and pools fill
        let before = try HostCensus.take()
        var (bareTotal, sealedTotal) = (Slice(), Slice())
        let load = Interleaved.load
        for _ in 0..<Self.slices {
            bareTotal.add(Self.measure(bare, for: length))
            sealedTotal.add(Self.measure(sealed, for: length))
        }
        print("load before \(load), after \(Interleaved.load); \(Self.callers) callers, \(seconds) s in turns; microseconds")
        Table.row("case", ["per s", "min", "median", "p95", "p99", "p99/median"])
        for (name, slice) in [("bare", bareTotal), ("sealed", sealedTotal)] {
            let times = slice.times.sorted()
            func at(_ share: Double) -> Double { times.isEmpty ? 0 : times[min(times.count - 1, Int(Double(times.count) * share))] }
            Table.row(
                name,
                [Table.number(slice.perSecond)] + [0, 0.5, 0.95, 0.99].map { Table.number(at($0)) }
                    + [Table.number(at(0.99) / max(1, at(0.5)), decimals: 1)])
            if let problem = slice.problem { print("\(name): \(problem)") }
        }
        print("sealed for one bare: \(Table.number(sealedTotal.perSecond / max(1, bareTotal.perSecond), decimals: 2))")
        print("launches: " + sealedTotal.kinds.map { "\($0.key.rawValue) \($0.value)" }.sorted().joined(separator: ", "))
        if let status = supervisor.poolStatus {
            print(
                "pool: built \(status.built), taken \(status.taken), missed \(status.missed), discarded \(status.discarded), "
                    + "failed \(status.failed)\(status.lastFailure.map { " (\($0))" } ?? ""), lingering \(status.lingering)")
        }
        print("before: \(before)\nafter:  \(try HostCensus.take())")
    }

    private static func measure(_ launch: @escaping @Sendable () -> (LaunchKind?, String?), for length: UInt64) -> Slice {
        let total = Mutex(Slice())
        let began = MonotonicClock.now()
        let threads = (0..<callers).map { _ in
            SoakThread.start {
                var own = Slice()
                while MonotonicClock.now() - began < length, own.problem == nil {
                    let start = MonotonicClock.now()
                    let (kind, problem) = launch()
                    own.times.append(Double(MonotonicClock.now() - start) / 1000)
                    if let kind { own.kinds[kind, default: 0] += 1 }
                    own.problem = problem
                }
                total.withLock { $0.add(own) }
            }
        }
        for thread in threads { pthread_join(thread, nil) }
        var slice = total.withLock { $0 }
        slice.nanoseconds = MonotonicClock.now() - began
        return slice
    }
}
