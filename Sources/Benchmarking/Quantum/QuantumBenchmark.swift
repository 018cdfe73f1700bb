internal import AgentRuntime
internal import Glibc
internal import LLMExecutor
internal import LibOSModel
internal import LinuxPrimitives
internal import SQLiteRuntimeStore
internal import StrictJSON
internal import ToolBroker

/// One quantum of an agent: its records alone, and with a file read by a sealed worker, beside a fresh process that reads the
/// same file.
package struct QuantumBenchmark: Sendable {
    package var rounds = 200

    package init() {}

    private static let warmUp = 20
    /// Calls of one agent at the end, to see what many results in sight cost.
    private static let growing = 200

    package func run(
        _ host: BenchHost, progress: @escaping @Sendable (BenchProgress) -> Void, check: @escaping @Sendable () throws -> Void
    ) async throws -> BenchReport {
        let watch = MachineWatch()
        let place = try BenchPlace()
        defer { place.remove() }
        try BenchRuntime.makeFile(in: place)
        let bench = try await BenchRuntime.open(host, place)
        do {
            var report = try await measure(bench, place, progress, check)
            await bench.close()
            watch.judge(&report.noise)
            return report
        } catch {
            await bench.close()
            throw error
        }
    }

    private func measure(
        _ bench: BenchRuntime, _ place: BenchPlace, _ progress: @Sendable (BenchProgress) -> Void, _ check: @Sendable () throws -> Void
    ) async throws -> BenchReport {
        var report = BenchReport(subject: "quantum", title: "microseconds of one quantum; ratio to a fresh process that reads the file")
        var records = Measurement(name: "records-alone")
        var whole = Measurement(name: "sealed-read")
        var bare = Measurement(name: "fresh-process")
        var (answered, stages) = (QuantumStages.answered, QuantumStages.sealed)
        let path = "\(place.workspace)/\(BenchRuntime.fileName)"
        let reader = BareLaunch(["/bin/cat", path])
        let script = String(
            repeating: "{\"action\": \"read_text_file\", \"path\": \"\(BenchRuntime.fileName)\"}\n",
            count: rounds + Self.warmUp + Self.growing)
        func model() throws -> TimedModel { TimedModel(try ScriptedClient.read(Array(script.utf8), fileName: "bench.jsonl")) }
        let (oneModel, twoModel) = (try model(), try model())
        let alone = QuantumExecutor(runtime: bench.runtime, tools: Answered(registry: bench.registry), client: oneModel)
        let sealed = QuantumExecutor(runtime: bench.runtime, tools: bench.broker, client: twoModel)
        var (first, second) = (try await bench.spawn(), try await bench.spawn())
        for round in 0..<(rounds + Self.warmUp) {
            try check()
            progress(BenchProgress(what: "round \(round + 1)", share: Double(round) / Double(rounds + Self.warmUp + Self.growing)))
            if round % BenchRuntime.callsOfAProcess == 0 { (first, second) = (try await bench.spawn(), try await bench.spawn()) }
            _ = (bench.observed.takeSteps(), oneModel.takeTime(), twoModel.takeTime())
            let start = MonotonicClock.now()
            try await require(alone.runQuantum(first))
            let end = MonotonicClock.now()
            let ownSteps = bench.observed.takeSteps()
            let began = MonotonicClock.now()
            try await require(sealed.runQuantum(second))
            let ended = MonotonicClock.now()
            let steps = bench.observed.takeSteps()
            let spawned = MonotonicClock.now()
            if let problem = reader() { throw BenchmarkFailure(name: bare.name, command: "/bin/cat \(path)", reason: problem) }
            let waited = MonotonicClock.now()
            guard round >= Self.warmUp else { continue }
            records.add(Double(end - start) / 1000)
            whole.add(Double(ended - began) / 1000)
            bare.add(Double(waited - spawned) / 1000)
            let agent = second
            let call = try await bench.store.read { store throws(LibOSError) in
                try store.toolCalls(of: agent, state: nil, limit: 1).first
            }
            try answered.add(ownSteps, began: start, ended: end, model: oneModel.takeTime())
            try stages.add(steps, began: began, ended: ended, model: twoModel.takeTime(), report: call?.report ?? .null)
        }
        let grown = try await growth(bench, sealed, check)
        report.cases = [bare, records, whole].map { BenchCase($0, beside: bare) }
        report.commands = [
            (bare.name, "/bin/cat \(path)"), (records.name, "a quantum of a scripted agent whose call is answered at once"),
            (whole.name, "the same with a file read by the sealed worker"),
        ]
        report.parts = answered.parts + stages.parts + grown
        report.noise.look(atRounds: rounds)
        report.noise.look(forDriftOf: bare)
        for item in [records, whole] { report.noise.look(atSteadinessOf: item, beside: bare) }
        return report
    }

    /// What a quantum costs when its process has many results in sight.
    private func growth(
        _ bench: BenchRuntime, _ executor: QuantumExecutor, _ check: @Sendable () throws -> Void
    ) async throws -> [(group: String, item: BenchCase)] {
        let agent = try await bench.spawn()
        var parts = [Measurement(name: "the first 20 calls of an agent"), Measurement(name: "its calls 181 to 200")]
        for call in 1...Self.growing {
            try check()
            let began = MonotonicClock.now()
            try await require(executor.runQuantum(agent))
            let spent = Double(MonotonicClock.now() - began) / 1000
            if call <= 20 { parts[0].add(spent) } else if call > Self.growing - 20 { parts[1].add(spent) }
        }
        return parts.map { ("many results in sight", BenchCase($0)) }
    }

    private func require(_ result: QuantumResult) throws {
        guard result.payload["result"]?["ok"] == .bool(true) else {
            throw LibOSError(.process, "a quantum did not do its work: \(result.payload.canonicalText)")
        }
    }

    /// Every call is answered at once: what is left is the quantum's own work.
    private struct Answered: ToolCalling {
        let registry: ToolRegistry

        func visibleTools(of process: AgentProcess) -> [ToolSpec] {
            process.toolTable.keys.sorted().compactMap { registry.tool(named: $0)?.spec }
        }

        func call(_ request: ToolCallRequest) async throws(LibOSError) -> Completion<ToolCallResult> {
            .done(ToolCallResult(call: .new(), tool: nil, isOK: true, payload: .object(["text": .string("answered")])))
        }
    }
}
