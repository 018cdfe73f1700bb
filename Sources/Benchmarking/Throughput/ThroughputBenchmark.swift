internal import Glibc
internal import LinuxPrimitives
internal import SandboxLauncher
internal import SandboxPolicy
internal import StrictJSON
internal import Synchronization

/// How many sealed `/bin/true` a second, beside bare starts done the same way: callers that start the next one when the last has ended,
/// in slices of both by turns. What the pool builds afterwards is counted into the slice that used it up.
package struct ThroughputBenchmark: Sendable {
    package var callers = 4
    /// Of each kind.
    package var seconds = 10

    package init() {}

    private static let target = "/bin/true"
    private static let warmUp = 50
    /// Nanoseconds with all callers, before anything is counted.
    private static let rehearsal: UInt64 = 2_000_000_000
    /// What memory may grow by: caches, and what an allocator keeps.
    private static let memorySlackKiB = 8 << 10

    package func run(
        _ host: BenchHost, progress: @escaping @Sendable (BenchProgress) -> Void, check: @escaping @Sendable () throws -> Void
    ) async throws -> BenchReport {
        let (callers, seconds) = (callers, seconds)
        return try await onThread {
            try measure(host, callers: callers, seconds: seconds, progress: progress, check: check)
        }
    }

    private func measure(
        _ host: BenchHost, callers: Int, seconds: Int, progress: @Sendable (BenchProgress) -> Void, check: @Sendable () throws -> Void
    ) throws -> BenchReport {
        var report = BenchReport(
            subject: "throughput", title: "\(callers) callers; microseconds of one launch among the others; ratio to bare")
        let watch = MachineWatch()
        let place = try BenchPlace()
        defer { place.remove() }
        let policy = try host.policy("workspace")
        let workspace = try PathResolution.canonicalPath(place.workspace)
        let confinement = try policy.confinement(workspace: workspace, workspaceWritable: true)
        let request = RunRequest(
            arguments: [Self.target], confinement: confinement, policyName: policy.name, policyHash: policy.hash,
            output: .capture(keep: 1 << 12))
        var settings = SandboxPoolSettings()
        (settings.perKind, settings.total) = (2 * callers, 2 * callers)
        let supervisor = try SandboxSupervisor(pool: settings)
        defer { supervisor.shutDown() }
        let bareLaunch = BareLaunch([Self.target])
        let kinds = Mutex<[LaunchKind: Int]>([:])
        let bare = Slices(name: "bare", callers: callers) { bareLaunch() }
        let sealed = Slices(name: "sealed", callers: callers) {
            let report = supervisor.run(request)
            kinds.withLock { $0[report.launch, default: 0] += 1 }
            return report.outcome == .exited(code: 0) ? nil : "\(report.outcome)"
        }
        // Caches and pools fill before anything counts. So do the cgroups that are kept for the next run: as many as there are at once
        // when all callers are busy and what they took is built anew.
        for _ in 0..<Self.warmUp { if let problem = supervisor.warm(request) { throw Self.failure("sealed", problem) } }
        try Slices(name: "sealed", callers: callers) { supervisor.warm(request) }.run(nanoseconds: Self.rehearsal) {}
        supervisor.awaitPool(of: settings.perKind)
        let before = try ProcessCensus.take()
        kinds.withLock { $0 = [:] }

        let count = max(NoiseVerdict.fewestRounds, 2 * seconds)
        let slice = UInt64(seconds) * 1_000_000_000 / UInt64(count)
        for number in 0..<count {
            try check()
            progress(BenchProgress(what: "slice \(number + 1) of \(count)", share: Double(number) / Double(count)))
            let order = number % 2 == 0 ? [bare, sealed] : [sealed, bare]
            for kind in order {
                try kind.run(nanoseconds: slice) { if kind === sealed { supervisor.awaitPool(of: settings.perKind) } }
            }
        }
        supervisor.awaitPool(of: settings.perKind)
        let after = try ProcessCensus.take()
        finish(&report, bare, sealed, kinds.withLock { $0 }, before, after)
        watch.judge(&report.noise)
        return report
    }

    private func finish(
        _ report: inout BenchReport, _ bare: Slices, _ sealed: Slices, _ kinds: [LaunchKind: Int], _ before: ProcessCensus,
        _ after: ProcessCensus
    ) {
        let base = Measurement(name: "bare", times: bare.latencies)
        report.cases = [BenchCase(base, beside: base), BenchCase(Measurement(name: "sealed", times: sealed.latencies), beside: base)]
        report.commands = [("bare", "posix_spawn \(Self.target)"), ("sealed", "SandboxSupervisor.run, policy workspace: \(Self.target)")]
        let part = bare.rate > 0 ? sealed.rate / bare.rate : 0
        let tail = report.cases[1].median > 0 ? report.cases[1].p99 / report.cases[1].median : 0
        let growth = Double(after.residentKiB - before.residentKiB) / 1024
        report.bounds = [
            .init(name: "sealed launches / bare launches", measured: part, bound: 0.5, isMost: false),
            .init(name: "sealed p99 / median", measured: tail, bound: 5),
            .init(name: "growth of memory, MiB", measured: growth, bound: Double(Self.memorySlackKiB) / 1024),
            .init(name: "more descriptors, processes, zombies, namespaces or mounts", measured: Double(after.more(than: before)), bound: 0),
        ]
        report.noise.look(forDriftOf: bare.paces)
        report.noise.look(atSteadinessOf: sealed.paces, beside: bare.paces)
        let launches = [LaunchKind.cold, .template, .prepared].map { JSONMember($0.rawValue, .int(Int64(kinds[$0] ?? 0))) }
        report.more = [
            JSONMember(
                "throughput",
                .object([
                    JSONMember("callers", .int(Int64(callers))), JSONMember("seconds", .int(Int64(seconds))),
                    JSONMember("bare_per_second", .double(BenchCase.rounded(bare.rate))),
                    JSONMember("sealed_per_second", .double(BenchCase.rounded(sealed.rate))),
                    JSONMember("part", .double(BenchCase.rounded(part))), JSONMember("launches", .object(launches)),
                    JSONMember("held_before", before.json), JSONMember("held_after", after.json),
                ]))
        ]
        report.lines = [
            "bare \(BenchCase.text(bare.rate)) a second, sealed \(BenchCase.text(sealed.rate)): \(BenchCase.text(part)) of it",
            "of the sealed ones "
                + [LaunchKind.prepared, .template, .cold].map { "\(kinds[$0] ?? 0) \($0.rawValue)" }.joined(separator: ", "),
            "held before: \(before.text)", "held after: \(after.text)",
        ]
    }

    fileprivate static func failure(_ name: String, _ reason: String) -> BenchmarkFailure {
        BenchmarkFailure(name: name, command: target, reason: reason)
    }
}

/// Starts of one kind, some callers at once, slice by slice.
private final class Slices: Sendable {
    private struct State {
        var latencies: [Double] = []
        /// Microseconds of each slice for one of its launches.
        var paces: [Double] = []
        var launches = 0
        var nanoseconds: UInt64 = 0
        var problem: String?
    }

    private let name: String
    private let callers: Int
    private let launch: @Sendable () -> String?
    private let state = Mutex(State())

    init(name: String, callers: Int, _ launch: @escaping @Sendable () -> String?) {
        self.name = name
        self.callers = callers
        self.launch = launch
    }

    /// - Parameter settle: what belongs to the slice after its last launch.
    func run(nanoseconds: UInt64, settle: () -> Void) throws {
        let began = MonotonicClock.now()
        let earlier = state.withLock { $0.launches }
        try JoinedThread.together(callers) { [self] _ in
            var own: [Double] = []
            while MonotonicClock.now() - began < nanoseconds {
                let start = MonotonicClock.now()
                if let problem = launch() {
                    state.withLock { $0.problem = problem }
                    break
                }
                own.append(Double(MonotonicClock.now() - start) / 1000)
            }
            state.withLock { state in
                state.latencies += own
                state.launches += own.count
            }
        }
        settle()
        let spent = MonotonicClock.now() - began
        let problem = state.withLock { state in
            state.nanoseconds += spent
            let launches = state.launches - earlier
            if launches > 0 { state.paces.append(Double(spent) / 1000 / Double(launches)) }
            return state.problem
        }
        if let problem { throw ThroughputBenchmark.failure(name, problem) }
    }

    var latencies: [Double] { state.withLock { $0.latencies } }
    var paces: Measurement { Measurement(name: name, times: state.withLock { $0.paces }) }
    /// A second.
    var rate: Double { state.withLock { $0.nanoseconds > 0 ? Double($0.launches) / (Double($0.nanoseconds) / 1e9) : 0 } }
}

extension ProcessCensus {
    /// What should not grow at all.
    fileprivate func more(than earlier: ProcessCensus) -> Int {
        max(0, descriptors - earlier.descriptors) + max(0, namespaces - earlier.namespaces) + max(0, zombies - earlier.zombies)
            + max(0, processes - earlier.processes) + max(0, mounts - earlier.mounts)
    }
}

extension SandboxSupervisor {
    fileprivate func warm(_ request: RunRequest) -> String? {
        let report = run(request)
        return report.outcome == .exited(code: 0) ? nil : "\(report.outcome)"
    }

    /// Until the pool is as full as it may be, a quarter of a second at most: memory may be short.
    fileprivate func awaitPool(of count: Int) {
        let deadline = MonotonicClock.now() + 250_000_000
        while preparedCount < count, MonotonicClock.now() < deadline {
            _ = try? Polling.wait(-1, for: .readable, deadline: MonotonicClock.now() + 1_000_000)
        }
    }
}
