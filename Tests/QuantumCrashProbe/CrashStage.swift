internal import AgentRuntime
internal import CapabilityBroker
internal import LLMExecutor
internal import LibOSModel
internal import SQLiteRuntimeStore
internal import SandboxLauncher
internal import SandboxPolicy
internal import SandboxTestSupport
internal import StrictJSON
internal import Synchronization
internal import TestSupport
internal import ToolBroker

/// The whole runtime over a store in a directory, with the tools that the scenarios call.
struct CrashStage {
    let store: SQLiteRuntimeStore
    private let runtime: AgentRuntime
    private let tools: ToolBroker
    private let supervisor: SandboxSupervisor

    private static let shipped = [
        "write_text_file", "delete_file", "write_directory", "process_exit", "spawn_child_process", "wait_child_process",
        "send_process_message", "receive_process_messages", "ask_human", "get_current_time",
    ]

    init(_ directory: String, observer: StoreObserver? = nil) async throws {
        store = try await SQLiteRuntimeStore.open(path: Self.store(in: directory), observer: observer)
        let registry = ToolRegistry()
        for name in Self.shipped { try registry.register(try ToolRegistry.read("\(Products.policies)/tools/\(name).yaml")) }
        for text in CrashTools.manifests { try registry.register(try ToolManifest.read(Array(text.utf8), fileName: "probe.yaml")) }
        supervisor = try SandboxSupervisor(launcherPath: Products.launcher, usesCgroups: false)
        let capabilities = CapabilityBroker()
        runtime = AgentRuntime(store: store, broker: capabilities, tools: Registered(registry: registry))
        guard var worker = WorkerProgram.installed() else { throw LibOSError(.notFound, "glovebox-worker is not built") }
        worker.environment = Products.environment
        let policies = Mutex<[String: ResolvedPolicy]>([:])
        tools = ToolBroker(
            registry: registry, store: runtime.store, kernel: runtime, capabilities: capabilities, supervisor: supervisor,
            files: try WorkspaceFiles(path: directory + "/workspace"), worker: worker
        ) { name throws(PolicyError) in
            if let known = policies.withLock({ $0[name] }) { return known }
            do {
                let policy = try TestPolicies.shipped(name)
                policies.withLock { $0[name] = policy }
                return policy
            } catch {
                throw error as? PolicyError ?? PolicyError(file: name, message: "\(error)", mend: "")
            }
        }
        try await runtime.start()
    }

    static func store(in directory: String) -> String { directory + "/records/store.sqlite" }

    private struct Registered: ToolDirectory {
        let registry: ToolRegistry
        func staticTool(named name: String) -> ToolID? { registry.tool(named: name)?.spec.id }
    }

    static func prepare(_ directory: String, _ scenario: CrashScenario) async throws {
        let workspace = directory + "/workspace"
        try HostFile.makeDirectory(workspace)
        for name in ["old.txt", "log.txt"] { try HostFile.write(workspace + "/" + name) }
        for path in [workspace, workspace + "/old.txt", workspace + "/log.txt"] {
            try HostFile.give(path, to: SandboxFixture.workspaceOwner)
        }
        let stage = try await CrashStage(directory)
        try await stage.tools.persistTools()
        let root = try await stage.runtime.spawn(
            SpawnRequest(
                image: "coding-agent:v0", goal: .text("root"), capabilities: scenario.capabilities, budget: scenario.budget))
        let own = stage.tools.table(of: CrashTools.names).table
        try await stage.store.write { transaction throws(LibOSError) in
            var process = try transaction.existingProcess(root.id)
            process.toolTable.merge(own) { _, new in new }
            try transaction.update(process)
        }
        stage.supervisor.shutDown()
        await stage.store.close()
    }

    /// Until nothing can go on. People answer as the scenarios want it.
    func play(_ scenario: CrashScenario) async throws {
        let executor = QuantumExecutor(runtime: runtime, tools: tools, client: PlannedModel(scenario, store: runtime.store))
        _ = try await Scheduler(runtime: runtime, runner: executor).runUntilIdle(maxQuanta: 60, humans: Person())
        supervisor.shutDown()
    }

    /// Says yes, but not to what is called `refused`.
    private struct Person: HumanResponder {
        func decision(for request: HumanRequest) async -> HumanDecision? {
            var isApproved = true
            if case .approval(let approval, _) = request.content {
                isApproved = approval.arguments["path"] != .string("refused")
            }
            return HumanDecision(responder: "human:owner", isApproved: isApproved, answer: isApproved ? "yes" : nil)
        }
    }
}
