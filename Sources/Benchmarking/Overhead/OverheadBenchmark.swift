internal import Glibc
internal import LibOSModel
internal import LinuxPrimitives
internal import SandboxLauncher
internal import SandboxPolicy
internal import StrictJSON
internal import Synchronization

/// The same work outside, inside, and in bwrap with the same filter, where the work times itself: what a sandbox costs once it stands.
/// Processor time counts: the work waits for nothing, and what others take of the processors is not its cost. The wall clock's times are
/// told as well.
package struct OverheadBenchmark: Sendable {
    package var rounds = 60
    package var only: Set<Workload>?
    /// What the rounds may take together, nanoseconds.
    package var longest: UInt64 = 40_000_000_000

    package init() {}

    private static let policy = "workspace"

    package func run(
        _ host: BenchHost, progress: @escaping @Sendable (BenchProgress) -> Void, check: @escaping @Sendable () throws -> Void
    ) async throws -> BenchReport {
        var report = BenchReport(
            subject: "overhead", title: "microseconds of processor time of the work itself, launch left out; ratio to bare")
        guard let program = WorkloadProgram() else {
            throw LibOSError(.notFound, "\(WorkloadProgram.name) is not beside this program", mend: "build it with `make build`")
        }
        let watch = MachineWatch()
        let place = try BenchPlace()
        defer { place.remove() }
        try FileTree.make(in: place, at: "workspace/tree")
        let supervisor = try SandboxSupervisor()
        defer { supervisor.shutDown() }
        let setting = try Self.setting(host, place, program, supervisor)
        let works = Workload.allCases.filter { only?.contains($0) ?? true }
        let groups = works.map { WorkCases($0, program, setting) }
        let interleaved = Interleaved(rounds: rounds, warmUp: 2, longest: longest, progress: progress, check: check)
        let measured = try await interleaved.measure(groups.flatMap(\.cases))
        report.notMeasured = measured.failed
        if setting.bwrap == nil { report.notMeasured.append(Peer.bwrap.absence) }
        for group in groups { group.add(to: &report, skipping: interleaved.warmUp) }
        if let first = report.cases.first { report.noise.look(atRounds: first.n) }
        watch.judgeProcessorTime(&report.noise)
        return report
    }

    fileprivate struct Setting: Sendable {
        var request: RunRequest
        var supervisor: SandboxSupervisor
        var tree: String
        /// Its path, and what it gets.
        var bwrap: (path: String, setting: Peer.Setting)?
    }

    private static func setting(
        _ host: BenchHost, _ place: BenchPlace, _ program: WorkloadProgram, _ supervisor: SandboxSupervisor
    ) throws -> Setting {
        let policy = try host.policy(Self.policy).adding(program.grants)
        let workspace = try PathResolution.canonicalPath(place.workspace)
        let confinement = try policy.confinement(workspace: workspace, workspaceWritable: true)
        let request = RunRequest(
            arguments: [], confinement: confinement, policyName: policy.name, policyHash: policy.hash, output: .capture(keep: 1 << 12))
        var result = Setting(request: request, supervisor: supervisor, tree: workspace + "/tree")
        if let bwrap = Peer.bwrap.program {
            var setting = try Peer.Setting(policy: policy, confinement: confinement, scratch: place.root)
            let shown = ["/usr/", "/lib/", "/lib64/"]
            setting.readable = ([program.path, workspace] + program.libraries)
                .filter { path in !shown.contains { (path + "/").hasPrefix($0) } }
            result.bwrap = (bwrap, setting)
        }
        return result
    }
}

/// One kind of work in every place.
private final class WorkCases: Sendable {
    private let work: Workload
    private let answers: [Place: Answers]
    let cases: [BenchmarkCase]

    /// Bounds of some hundredths need numbers as fine.
    private static let mostUnsteadiness = 0.02

    private enum Place: String, CaseIterable {
        case bare, inside, bwrap
    }

    private final class Answers: Sendable {
        private let all = Mutex<[Workload.Answer]>([])
        func add(_ answer: Workload.Answer) { all.withLock { $0.append(answer) } }
        var list: [Workload.Answer] { all.withLock { $0 } }
    }

    init(_ work: Workload, _ program: WorkloadProgram, _ setting: OverheadBenchmark.Setting) {
        self.work = work
        let words = [program.path] + work.words(tree: setting.tree)
        let answers = Dictionary(uniqueKeysWithValues: Place.allCases.map { ($0, Answers()) })
        self.answers = answers
        @Sendable func take(_ place: Place, _ output: String, _ problem: String?) -> String? {
            if let problem { return problem }
            guard let answer = Workload.Answer(output) else { return "no answer: \(output.prefix(80))" }
            answers[place]?.add(answer)
            return nil
        }
        func command(_ place: Place, _ arguments: [String], _ extra: InheritedFile? = nil) -> BenchmarkCase {
            let launch = BareLaunch(arguments, extra: extra)
            return BenchmarkCase(
                name: "\(work.rawValue)-\(place.rawValue)", command: arguments.joined(separator: " "), isPeer: place == .bwrap,
                run: {
                    let ended = launch.listening()
                    return take(place, ended.output, ended.problem.map { "\($0): \(ended.complaint)" })
                })
        }
        var request = setting.request
        request.arguments = words
        let (final, supervisor) = (request, setting.supervisor)
        var cases = [
            command(.bare, words),
            BenchmarkCase(
                name: "\(work.rawValue)-inside", command: "SandboxSupervisor.run, policy workspace: \(words.joined(separator: " "))",
                run: {
                    let report = supervisor.run(final)
                    let complaint = String(decoding: report.stderr.head.prefix(200), as: UTF8.self)
                    return take(
                        .inside, String(decoding: report.stdout.head, as: UTF8.self),
                        report.outcome == .exited(code: 0) ? nil : "\(report.outcome) \(complaint)")
                }),
        ]
        if let (path, peer) = setting.bwrap { cases.append(command(.bwrap, Peer.bwrap(path, words, peer), peer.filter)) }
        self.cases = cases
    }

    /// The times that the work took by itself, and what may be said of them.
    func add(to report: inout BenchReport, skipping warmUp: Int) {
        func measurement(_ place: Place, _ time: (Workload.Answer) -> UInt64) -> Measurement? {
            guard !report.notMeasured.contains(where: { $0.name == "\(work.rawValue)-\(place.rawValue)" }) else { return nil }
            let list = (answers[place]?.list ?? []).dropFirst(warmUp)
            guard !list.isEmpty else { return nil }
            return Measurement(name: "\(work.rawValue)-\(place.rawValue)", times: list.map { Double(time($0)) / 1000 })
        }
        guard let bare = measurement(.bare, \.processor), let bareWall = measurement(.bare, \.wall) else { return }
        report.noise.look(forDriftOf: bare)
        report.commands += cases.map { ($0.name, $0.command) }
        for place in Place.allCases {
            guard let processor = measurement(place, \.processor), let wall = measurement(place, \.wall) else { continue }
            report.cases.append(BenchCase(processor, beside: bare))
            report.parts.append(("\(work.title): by the wall clock", BenchCase(wall, beside: bareWall)))
            if place != .bare { report.noise.look(atSteadinessOf: processor, beside: bare, atMost: Self.mostUnsteadiness) }
        }
        guard let bound = work.bound else { return }
        report.bound("\(work.rawValue)-inside", to: "\(work.rawValue)-bare", atMost: bound)
        // As good as the other one: what is left is what two measurements of one thing differ by.
        report.bound("\(work.rawValue)-inside", to: "\(work.rawValue)-bwrap", atMost: 1.02)
    }
}
