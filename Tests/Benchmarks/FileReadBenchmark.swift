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
internal import TestSupport
internal import ToolBroker

/// One call of the built-in file read, decision, records and audit included, beside a bare `posix_spawn` of /bin/true: with a worker of
/// the call's own (`file-read-cold`), and with one that waited for it (`file-read-parked`).
struct FileReadBenchmark {
    let policies: BenchmarkPolicies
    let rounds: Int

    /// In order, with the times of each in microseconds.
    func run() async throws -> [Measurement] {
        let scratch = try ScratchDirectory("bench")
        defer { scratch.remove() }
        let place = scratch.path
        guard mkdir(place + "/workspace", 0o755) == 0 else { throw SystemError(errno: errno, operation: "mkdir", object: place) }
        let file = try PathResolution.open(path: place + "/workspace/file.txt", flags: O_WRONLY | O_CREAT | O_EXCL, mode: 0o644)
        try Transfer.writeAll(file.rawValue, Array(String(repeating: "a line of text\n", count: 64).utf8))
        let cold = try await Side(policies, place, name: "file-read-cold", pool: nil)
        var settings = SandboxPoolSettings()
        settings.callsBefore = 1
        let parked = try await Side(policies, place, name: "file-read-parked", pool: settings)
        let bare = BareLaunch(["/bin/true"])
        var measurements = ["bare", cold.name, parked.name].map { Measurement(name: $0) }
        var stages: [String: Measurement] = [:]
        for round in 0..<(rounds + Self.warmUp) {
            let began = MonotonicClock.now()
            if let problem = bare() { throw SystemError(errno: EIO, operation: problem, object: "/bin/true") }
            let times = [
                Double(MonotonicClock.now() - began) / 1000, try await cold.call(stages: nil),
                try await parked.call { name, time in stages[name, default: Measurement(name: name)].add(time) },
            ]
            guard round >= Self.warmUp else {
                stages = [:]
                continue
            }
            for (index, time) in times.enumerated() { measurements[index].add(time) }
        }
        print("load \(Interleaved.load); microseconds")
        Table.row("file read", ["min", "median", "p95", "p99", "ratio"])
        for measurement in measurements {
            Table.row(
                "  " + measurement.name,
                [0, 0.5, 0.95, 0.99].map { Table.number(measurement.percentile($0), decimals: 0) }
                    + [Table.number(measurement.median / measurements[0].median, decimals: 2)])
        }
        for name in stages.keys.sorted() {
            guard let stage = stages[name] else { continue }
            Table.row("    " + name, [0, 0.5, 0.95].map { Table.number(stage.percentile($0), decimals: 0) })
        }
        await cold.close()
        await parked.close()
        return measurements
    }

    private static let warmUp = 30

    /// A whole broker over a store of its own on disk.
    private final class Side {
        let name: String
        private let isParked: Bool
        private let store: SQLiteRuntimeStore
        private let observed: TimedStore
        private let supervisor: SandboxSupervisor
        private let broker: ToolBroker
        private let process: ProcessID

        init(_ policies: BenchmarkPolicies, _ place: String, name: String, pool: SandboxPoolSettings?) async throws {
            self.name = name
            isParked = pool != nil
            store = try await SQLiteRuntimeStore.open(path: place + "/\(name).sqlite")
            observed = TimedStore(store)
            let registry = ToolRegistry()
            try registry.load(directory: policies.directory + "/tools")
            let capabilities = CapabilityBroker()
            let runtime = AgentRuntime(store: observed, broker: capabilities, tools: Named(registry: registry))
            try await runtime.start()
            guard let worker = WorkerProgram.installed() else {
                throw SystemError(errno: ENOENT, operation: "find", object: "glovebox-worker beside this program")
            }
            supervisor = try SandboxSupervisor(pool: pool)
            // As the commands do: what was read is kept.
            let policy = try policies.resolved("workspace")
            broker = ToolBroker(
                registry: registry, store: runtime.store, kernel: runtime, capabilities: capabilities, supervisor: supervisor,
                files: try WorkspaceFiles(path: place + "/workspace"), worker: worker
            ) { name throws(PolicyError) in
                guard name == "workspace" else { throw PolicyError(file: name, message: "not of this benchmark", mend: "") }
                return policy
            }
            try await broker.persistTools()
            let terms = CapabilityTerms(resource: try Resource.parse("filesystem:workspace:file.txt"), rights: [.read])
            process = try await runtime.spawn(
                SpawnRequest(
                    image: "coding-agent:v0", goal: .text("bench"), capabilities: [terms],
                    budget: ResourceBudget([.toolCalls: 1_000_000, .materializedTokens: 8_000]))
            ).id
        }

        /// Microseconds of one call. The next one finds its worker waiting.
        func call(stages: ((String, Double) -> Void)?) async throws -> Double {
            while isParked, supervisor.preparedCount == 0, calls > 2 { usleep(200) }
            calls += 1
            _ = observed.takeSteps()
            let began = MonotonicClock.now()
            let completion = try await broker.call(
                ToolCallRequest(process: process, tool: "read_text_file", arguments: .object(["path": .string("file.txt")])))
            let ended = MonotonicClock.now()
            guard case .done(let result) = completion, result.isOK else {
                throw LibOSError(.process, "\(name): a call did not do its work")
            }
            let steps = observed.takeSteps()
            if let stages {
                for (index, step) in steps.enumerated() {
                    stages("transaction \(index + 1): deciding", Double(step.decided - step.asked) / 1000)
                    stages("transaction \(index + 1): commit", Double(step.answered - step.decided) / 1000)
                }
                if steps.count == 2 { stages("between the transactions", Double(steps[1].asked - steps[0].answered) / 1000) }
                let id = result.call
                let report = try await store.read { store throws(LibOSError) in try store.toolCall(id) }?.report ?? .null
                if isParked, calls > 20, report["launch"] != .string("parked") {
                    throw LibOSError(.process, "\(name): a call was launched \(report["launch"]?.canonicalText ?? "")")
                }
                if case .array(let list)? = report["stages"] {
                    for stage in list {
                        guard case .string(let name)? = stage["name"], case .int(let time)? = stage["microseconds"] else { continue }
                        stages("run: " + name, Double(time))
                    }
                }
            }
            return Double(ended - began) / 1000
        }

        private var calls = 0

        func close() async {
            supervisor.shutDown()
            await store.close()
        }
    }

    private struct Named: ToolDirectory {
        let registry: ToolRegistry
        func staticTool(named name: String) -> ToolID? { registry.tool(named: name)?.spec.id }
    }
}
