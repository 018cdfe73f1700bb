internal import AgentRuntime
internal import CapabilityBroker
internal import CapabilityLanguage
internal import Glibc
internal import LLMExecutor
internal import LibOSModel
internal import LinuxPrimitives
internal import SQLiteRuntimeStore
internal import SandboxLauncher
internal import SandboxPolicy
internal import StrictJSON
internal import Synchronization
internal import TestSupport
internal import ToolBroker

/// One quantum of an agent: its records alone, and with a file read by a sealed worker, beside a fresh process that reads the
/// same file.
struct QuantumBenchmark {
    let policies: BenchmarkPolicies
    let rounds: Int

    func run() async throws {
        let scratch = try ScratchDirectory("bench")
        defer { scratch.remove() }
        let place = scratch.path
        guard mkdir(place + "/workspace", 0o755) == 0 else { throw SystemError(errno: errno, operation: "mkdir", object: place) }
        let file = try PathResolution.open(path: place + "/workspace/file.txt", flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o644)
        try Transfer.writeAll(file.rawValue, Array(String(repeating: "a line of text\n", count: 64).utf8))

        let store = try await SQLiteRuntimeStore.open(path: place + "/store.sqlite")
        let registry = ToolRegistry()
        try registry.load(directory: policies.directory + "/tools")
        let capabilities = CapabilityBroker()
        let observed = TimedStore(store)
        let runtime = AgentRuntime(store: observed, broker: capabilities, tools: Named(registry: registry))
        try await runtime.start()
        guard let worker = WorkerProgram.installed() else {
            throw SystemError(errno: ENOENT, operation: "find", object: "glovebox-worker beside this program")
        }
        let supervisor = try SandboxSupervisor()
        defer { supervisor.shutDown() }
        let loaded = LoadedPolicies(policies)
        let broker = ToolBroker(
            registry: registry, store: runtime.store, kernel: runtime, capabilities: capabilities, supervisor: supervisor,
            files: try WorkspaceFiles(path: place + "/workspace"), worker: worker
        ) { name throws(PolicyError) in try loaded.policy(name) }
        try await broker.persistTools()

        var records = Measurement(name: "records alone")
        var whole = Measurement(name: "with a sealed read")
        var bare = Measurement(name: "a fresh process that reads it")
        var (answered, stages) = (QuantumStages.answered, QuantumStages.sealed)
        let reader = BareLaunch(["/bin/cat", place + "/workspace/file.txt"])
        let script = String(repeating: "{\"action\": \"read_text_file\", \"path\": \"file.txt\"}\n", count: rounds + 220)
        func model() throws -> TimedModel { TimedModel(try ScriptedClient.read(Array(script.utf8), fileName: "bench.jsonl")) }
        let (oneModel, twoModel) = (try model(), try model())
        let alone = QuantumExecutor(runtime: runtime, tools: Answered(registry: registry), client: oneModel)
        let sealed = QuantumExecutor(runtime: runtime, tools: broker, client: twoModel)
        print("load \(Interleaved.load)")
        // An agent makes some dozens of calls, and each leaves an object in its sight: a process takes its turn for so many.
        var (first, second) = (try await process(runtime), try await process(runtime))
        for round in 0..<(rounds + 20) {
            if round % Self.callsOfAProcess == 0 { (first, second) = (try await process(runtime), try await process(runtime)) }
            _ = (observed.takeSteps(), oneModel.takeTime(), twoModel.takeTime())
            let start = MonotonicClock.now()
            try await check(alone.runQuantum(first))
            let end = MonotonicClock.now()
            let ownSteps = observed.takeSteps()
            let began = MonotonicClock.now()
            try await check(sealed.runQuantum(second))
            let ended = MonotonicClock.now()
            let steps = observed.takeSteps()
            let three = try await timed {
                if let problem = reader() { throw SystemError(errno: EIO, operation: problem, object: "/bin/cat") }
            }
            guard round >= 20 else { continue }
            records.add(Double(end - start) / 1000)
            whole.add(Double(ended - began) / 1000)
            bare.add(three)
            let agent = second
            let call = try await store.read { store throws(LibOSError) in try store.toolCalls(of: agent, state: nil, limit: 1).first }
            try answered.add(ownSteps, began: start, ended: end, model: oneModel.takeTime())
            try stages.add(steps, began: began, ended: ended, model: twoModel.takeTime(), report: call?.report ?? .null)
        }
        Table.row("one quantum, microseconds", ["min", "median", "p90"])
        for measurement in [records, whole, bare] {
            Table.row("  " + measurement.name, [0, 0.5, 0.9].map { Table.number(measurement.percentile($0), decimals: 0) })
        }
        Table.row(
            "  sealed read to fresh process", [0, 0.5, 0.9].map { Table.number(whole.percentile($0) / bare.percentile($0), decimals: 2) })
        answered.show()
        stages.show()
        try await CallRecords.measure(broker, observed, of: { try await self.process(runtime) }, rounds: rounds).show()
        try await growth(runtime, sealed)
        print("load \(Interleaved.load)")
        await store.close()
    }

    private static let callsOfAProcess = 50

    /// What a quantum costs when its process has many results in sight.
    private func growth(_ runtime: AgentRuntime, _ executor: QuantumExecutor) async throws {
        let agent = try await process(runtime)
        var parts = [Measurement(name: "the first 20 calls of an agent"), Measurement(name: "its calls 181 to 200")]
        for call in 1...200 {
            let spent = try await timed { try await check(executor.runQuantum(agent)) }
            if call <= 20 { parts[0].add(spent) } else if call > 180 { parts[1].add(spent) }
        }
        for part in parts { Table.row("  " + part.name, [0, 0.5, 0.9].map { Table.number(part.percentile($0), decimals: 0) }) }
    }

    private func timed(_ body: () async throws -> Void) async throws -> Double {
        let began = MonotonicClock.now()
        try await body()
        return Double(MonotonicClock.now() - began) / 1000
    }

    private func check(_ result: QuantumResult) throws {
        guard result.payload["result"]?["ok"] == .bool(true) else {
            throw LibOSError(.process, "a quantum did not do its work: \(result.payload.canonicalText)")
        }
    }

    private func process(_ runtime: AgentRuntime) async throws -> ProcessID {
        let terms = CapabilityTerms(resource: try Resource.parse("filesystem:workspace:file.txt"), rights: [.read])
        let made = try await runtime.spawn(
            SpawnRequest(
                image: "coding-agent:v0", goal: .text("bench"), capabilities: [terms],
                budget: ResourceBudget([.toolCalls: 1_000_000, .materializedTokens: 8_000])))
        return made.id
    }

    private struct Named: ToolDirectory {
        let registry: ToolRegistry
        func staticTool(named name: String) -> ToolID? { registry.tool(named: name)?.spec.id }
    }

    /// Each read once, as the commands keep them.
    private final class LoadedPolicies: Sendable {
        private let policies: BenchmarkPolicies
        private let known = Mutex<[String: ResolvedPolicy]>([:])

        init(_ policies: BenchmarkPolicies) { self.policies = policies }

        func policy(_ name: String) throws(PolicyError) -> ResolvedPolicy {
            if let policy = known.withLock({ $0[name] }) { return policy }
            do {
                let policy = try policies.resolved(name)
                known.withLock { $0[name] = policy }
                return policy
            } catch {
                throw error as? PolicyError ?? PolicyError(file: name, message: "\(error)", mend: "look at the policies directory")
            }
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
