internal import Glibc
internal import LinuxPrimitives
internal import SandboxLauncher
internal import SandboxPolicy
internal import Synchronization

/// `/bin/true` bare; through the library in a sandbox that is built for it (`cold`), built from the policy's template, and prepared
/// before; Python bare and parked; a file read by the built-in tool; our whole command, and every peer at equal isolation.
package struct LaunchBenchmark: Sendable {
    package var rounds = 200
    /// Names of cases; nil for all. The bare one is always measured.
    package var only: Set<String>?
    /// What the rounds may take together, nanoseconds. With everything around them the command stays below 45 s.
    package var longest: UInt64 = 32_000_000_000

    package init() {}

    private static let policy = "workspace"
    private static let target = "/bin/true"

    package func run(
        _ host: BenchHost, progress: @escaping @Sendable (BenchProgress) -> Void, check: @escaping @Sendable () throws -> Void
    ) async throws -> BenchReport {
        var report = BenchReport(subject: "launch", title: "microseconds from the call to the end of the program; ratio to bare")
        let watch = MachineWatch()
        let place = try BenchPlace()
        defer { place.remove() }
        try BenchRuntime.makeFile(in: place)
        let policy = try host.policy(Self.policy)
        let workspace = try PathResolution.canonicalPath(place.workspace)
        let confinement = try policy.confinement(workspace: workspace, workspaceWritable: true)
        let request = RunRequest(
            arguments: [Self.target], confinement: confinement, policyName: policy.name, policyHash: policy.hash,
            output: .capture(keep: 1 << 16))
        let supervisors = LaunchSupervisors()
        defer { supervisors.shutDown() }
        let stages = LaunchStages()

        var cases = [BenchmarkCase.command(LaunchCaseName.bare, [Self.target])]
        for kind in [LaunchKind.cold, .template, .prepared] where isWanted(kind.rawValue) {
            let supervisor = try supervisors.make(kind)
            cases.append(
                BenchmarkCase(
                    name: kind.rawValue, command: "SandboxSupervisor.run, policy \(Self.policy): \(Self.target)",
                    before: { kind == .prepared ? supervisor.fill(for: request) : nil },
                    run: { stages.run(request, with: supervisor, as: kind) },
                    // The launcher makes a template at the second launch.
                    attempt: { stages.run(request, with: supervisor, as: kind == .template ? .cold : kind) }))
        }
        try addPython(&cases, &report, host, workspace, supervisors)
        let reads = try await addFileReads(&cases, &report, host, place)
        let server = addCommands(&cases, &report, host, workspace, place)
        defer { server?.end() }
        try addPeers(&cases, &report, policy, confinement, place)

        let interleaved = Interleaved(
            rounds: rounds, warmUp: max(3, min(10, rounds / 20)), longest: longest, progress: progress, check: check)
        let measured: Interleaved.Result
        do {
            measured = try await interleaved.measure(cases)
        } catch {
            for read in reads { await read.close() }
            throw error
        }
        finish(&report, cases, measured, stages)
        for read in reads {
            report.parts += await read.parts()
            await read.close()
        }
        watch.judge(&report.noise)
        return report
    }

    private func isWanted(_ name: String) -> Bool { only?.contains(name) ?? true }

    // MARK: - Cases

    /// The system's own, which is the one inside: what stands first on PATH may be a script that looks for another.
    private static let python = ["/usr/bin/python3", "-c", "pass"]

    private func addPython(
        _ cases: inout [BenchmarkCase], _ report: inout BenchReport, _ host: BenchHost, _ workspace: String,
        _ supervisors: LaunchSupervisors
    ) throws {
        let names = [LaunchCaseName.pythonBare, LaunchCaseName.pythonCold, LaunchCaseName.pythonParked].filter(isWanted)
        guard access(Self.python[0], X_OK) == 0 else {
            report.notMeasured += names.map { .init(name: $0, state: .unavailable, why: "\(Self.python[0]) is not on this machine") }
            return
        }
        let policy = try host.policy("python")
        let request = RunRequest(
            arguments: Self.python, confinement: try policy.confinement(workspace: workspace, workspaceWritable: true),
            policyName: policy.name, policyHash: policy.hash, output: .capture(keep: 1 << 16))
        let command = "SandboxSupervisor.run, policy python: \(Self.python.joined(separator: " "))"
        for name in names {
            guard name != LaunchCaseName.pythonBare else {
                cases.append(.command(name, Self.python))
                continue
            }
            let isParked = name == LaunchCaseName.pythonParked
            if isParked, !host.hasLibrary("glovebox-python.so") {
                report.notMeasured.append(
                    .init(name: name, state: .unavailable, why: "glovebox-python.so is not beside glovebox-launcher; `make build` makes it")
                )
                continue
            }
            let supervisor = try supervisors.make(isParked ? .prepared : .cold)
            cases.append(
                BenchmarkCase(
                    name: name, command: command, before: { isParked ? supervisor.fill(for: request) : nil },
                    run: {
                        let report = supervisor.run(request)
                        guard report.outcome == .exited(code: 0) else { return "\(report.outcome)" }
                        return report.launch == (isParked ? .parked : .cold) ? nil : "the launch was \(report.launch.rawValue)"
                    }))
        }
    }

    /// The built-in tool, with a supervisor that builds everything for a call, and with one whose pool has a worker waiting.
    private func addFileReads(
        _ cases: inout [BenchmarkCase], _ report: inout BenchReport, _ host: BenchHost, _ place: BenchPlace
    ) async throws -> [FileRead] {
        var reads: [FileRead] = []
        var pool = SandboxPoolSettings()
        (pool.perKind, pool.callsBefore) = (1, 1)
        for (name, kind, settings) in [
            (LaunchCaseName.fileReadCold, LaunchKind.cold, nil), (LaunchCaseName.fileReadParked, .parked, pool),
        ] where isWanted(name) {
            do {
                let runtime = try await BenchRuntime.open(host, place, store: name, usesTemplates: kind != .cold, pool: settings)
                let read = FileRead(runtime, name: name, launchedAs: kind)
                reads.append(read)
                cases.append(read.benchmark)
            } catch {
                report.notMeasured.append(.init(name: name, state: .failed, why: "\(error)"))
            }
        }
        return reads
    }

    /// The whole command, by itself and with a server that has sandboxes standing ready. The server lives as long as what is returned.
    private func addCommands(
        _ cases: inout [BenchmarkCase], _ report: inout BenchReport, _ host: BenchHost, _ workspace: String, _ place: BenchPlace
    ) -> ServingProcess? {
        let names = [LaunchCaseName.command, LaunchCaseName.servedCommand].filter(isWanted)
        guard let program = host.program("glovebox") else {
            report.notMeasured += names.map { .init(name: $0, state: .unavailable, why: "glovebox is not beside this program") }
            return nil
        }
        let words = [program, "run", "--workspace", workspace, "--", Self.target]
        var server: ServingProcess?
        for name in names {
            guard name == LaunchCaseName.servedCommand else {
                cases.append(.command(name, words, variables: [ServingProcess.variable: "off"]))
                continue
            }
            do {
                let started = try ServingProcess(program, place)
                server = started
                cases.append(.command(name, words, variables: [ServingProcess.variable: started.socket]))
            } catch {
                report.notMeasured.append(.init(name: name, state: .failed, why: "\(error)"))
            }
        }
        return server
    }

    private func addPeers(
        _ cases: inout [BenchmarkCase], _ report: inout BenchReport, _ policy: ResolvedPolicy, _ confinement: Confinement,
        _ place: BenchPlace
    ) throws {
        let setting = try Peer.Setting(policy: policy, confinement: confinement, scratch: place.root)
        for peer in Peer.allCases where isWanted(peer.rawValue) {
            guard let program = peer.program else {
                report.notMeasured.append(peer.absence)
                continue
            }
            cases.append(try peer.benchmark(program, [Self.target], setting))
        }
    }

    // MARK: - The answer

    private func finish(
        _ report: inout BenchReport, _ cases: [BenchmarkCase], _ measured: Interleaved.Result, _ stages: LaunchStages
    ) {
        report.notMeasured += measured.failed
        report.commands = cases.map { ($0.name, $0.command) }
        guard let bare = measured.measurements.first else { return }
        report.cases = measured.measurements.map { BenchCase($0, beside: bare) }
        report.parts = stages.parts
        report.noise.look(atRounds: bare.times.count)
        report.noise.look(forDriftOf: bare)
        for item in measured.measurements.dropFirst() { report.noise.look(atSteadinessOf: item, beside: bare) }
        report.bound("prepared", to: "bare", atMost: 1.15)
        report.bound("prepared", to: "bwrap", atMost: 0.2)
        report.bound("template", to: "bare", atMost: 1.45)
        report.bound("cold", to: "bare", atMost: 3.5)
        report.bound("cold", to: "bwrap", atMost: 0.5)
        report.bound(LaunchCaseName.pythonParked, to: LaunchCaseName.pythonBare, atMost: 0.2)
        report.bound(LaunchCaseName.fileReadParked, to: "bare", atMost: 0.5)
        report.bound(LaunchCaseName.command, to: "bwrap", atMost: 0.75)
        report.bound(LaunchCaseName.servedCommand, to: "bwrap", atMost: 0.4)
    }
}

/// One supervisor for each way to a sandbox.
private final class LaunchSupervisors: Sendable {
    private let made = Mutex<[SandboxSupervisor]>([])

    func make(_ kind: LaunchKind) throws -> SandboxSupervisor {
        let supervisor: SandboxSupervisor
        switch kind {
        case .cold: supervisor = try SandboxSupervisor(usesTemplates: false)
        case .template: supervisor = try SandboxSupervisor()
        case .prepared:
            // Filled before each run: what building costs belongs to no case here (`bench throughput` has it).
            var settings = SandboxPoolSettings()
            (settings.perKind, settings.callsBefore) = (1, .max)
            supervisor = try SandboxSupervisor(pool: settings)
        case .parked: preconditionFailure("no program waits for /bin/true")
        }
        made.withLock { $0.append(supervisor) }
        return supervisor
    }

    func shutDown() {
        let all = made.withLock { list in
            defer { list = [] }
            return list
        }
        for supervisor in all { supervisor.shutDown() }
    }
}

extension SandboxSupervisor {
    fileprivate func fill(for request: RunRequest) -> String? {
        do {
            return try prepare(for: request) ? nil : "no sandbox could be prepared"
        } catch {
            return "\(error)"
        }
    }
}

/// Where runs of each kind spent their time.
private final class LaunchStages: Sendable {
    private let runs = Mutex<[LaunchKind: [[(name: String, microseconds: UInt64)]]]>([:])

    func run(_ request: RunRequest, with supervisor: SandboxSupervisor, as kind: LaunchKind) -> String? {
        let report = supervisor.run(request)
        guard report.outcome == .exited(code: 0) else { return "\(report.outcome)" }
        guard report.launch == kind else { return "the launch was \(report.launch.rawValue)" }
        runs.withLock { $0[kind, default: []].append(report.stages) }
        return nil
    }

    var parts: [(group: String, item: BenchCase)] {
        runs.withLock { runs in
            [LaunchKind.cold, .template, .prepared].flatMap { kind -> [(group: String, item: BenchCase)] in
                guard let all = runs[kind], let names = all.last?.map(\.name) else { return [] }
                return names.map { name in
                    let times = all.compactMap { $0.first { $0.name == name }.map { Double($0.microseconds) } }
                    return ("stages of \(kind.rawValue)", BenchCase(Measurement(name: name, times: times)))
                }
            }
        }
    }
}
