import AgentRuntime
import CapabilityBroker
import CapabilityLanguage
import LLMExecutor
import LibOSModel
import SQLiteRuntimeStore
import SandboxPolicy
import SandboxTestSupport
import StrictJSON
import Synchronization
import TestSupport
import Testing
import ToolBroker

/// The whole runtime over a store in memory, real sandboxes and a small repository: a script plays the model.
final class AgentFixture: Sendable {
    let sandbox: SandboxFixture
    let store: SQLiteRuntimeStore
    let runtime: AgentRuntime
    let tools: ToolBroker

    /// What the repository holds before anything is done.
    static let files = [
        "README.md": "A small repository.\n", ".env": "TOKEN=env-secret\n", "secrets/token.txt": "token-secret\n",
        "config/private.key": "key-secret\n", "src/app.py": "print('app')\n", "src/math_ops.py": "def add(a, b):\n    return a - b\n",
        "tests/test_app.py": "assert True\n",
    ]

    /// A tool whose worker stays and counts its calls.
    private static let counter = #"""
        manifest: 1
        name: counter
        description: counts
        protocol: channel
        session: true
        run:
          - /usr/bin/perl
          - -e
          - 'open(my $c, "+<&=", 3); my $n = 0; while (my $l = <$c>) {{ my ($i) = $l =~ /"id":"([0-9a-f]+)"/; $n++; syswrite($c, qq({{"jsonrpc":"2.0","id":"$i","result":{{"data":$n}}}}\n)) }}'
        policy: counting
        input: {type: object, additionalProperties: false}
        """#

    static func with(
        _ label: String = #function, isolation: isolated (any Actor)? = #isolation, _ body: (AgentFixture) async throws -> Void
    ) async throws {
        try await SandboxFixture.with(label) { sandbox in
            for directory in ["secrets", "config", "src", "tests"] { try sandbox.directory(directory) }
            for (name, text) in files { try sandbox.file(name, text) }
            let fixture = try await AgentFixture(sandbox)
            do {
                try await body(fixture)
            } catch {
                await fixture.tools.endSessions()
                await fixture.store.close()
                throw error
            }
            await fixture.tools.endSessions()
            // Whatever was done, its record is whole.
            let verification = try await fixture.store.verifyAudit()
            #expect(verification.isWhole, "\(String(describing: verification.fault))")
            await fixture.store.close()
        }
    }

    private init(_ sandbox: SandboxFixture) async throws {
        self.sandbox = sandbox
        store = try SQLiteRuntimeStore.inMemory()
        let registry = ToolRegistry()
        try registry.load(directory: Products.policies + "/tools")
        let capabilities = CapabilityBroker()
        runtime = AgentRuntime(store: store, broker: capabilities, tools: Registered(registry: registry))
        var worker = try #require(WorkerProgram.installed(), "glovebox-worker is built with the tests")
        worker.environment = Products.environment
        try registry.register(try ToolManifest.read(Array(Self.counter.utf8), fileName: "counter.yaml"))
        let commits = runtime.store.commits
        tools = ToolBroker(
            registry: registry, store: runtime.store, kernel: runtime, capabilities: capabilities, supervisor: sandbox.supervisor,
            files: try WorkspaceFiles(path: sandbox.workspace), worker: worker, commits: { commits.listen() }
        ) { name throws(PolicyError) in
            do {
                if name == "counting" {
                    return try TestPolicies.inline([], more: "sessions: {tools: [counter]}\n")
                }
                return try TestPolicies.shipped(name)
            } catch {
                throw error as? PolicyError ?? PolicyError(file: name, message: "\(error)", mend: "")
            }
        }
        try await tools.persistTools()
        try await runtime.start()
    }

    private struct Registered: ToolDirectory {
        let registry: ToolRegistry
        func staticTool(named name: String) -> ToolID? { registry.tool(named: name)?.spec.id }
    }

    // MARK: - Doing

    /// - Parameter capabilities: `RESOURCE RIGHT[,RIGHT…]`, `ask ` before it for one that a person decides about, `own ` for one that
    ///   cannot be passed on.
    func spawn(_ capabilities: [String], budget: ResourceBudget = .standard) async throws -> ProcessID {
        let terms = try capabilities.map { text in
            let words = text.split(separator: " ").map(String.init)
            let resource = try Resource.parse(words[words.count - 2])
            let rights = try PolicyRule.rights(
                named: words[words.count - 1].split(separator: ",").map(String.init), effect: .allow, resource: resource)
            return CapabilityTerms(
                resource: resource, rights: Set(rights), effect: text.hasPrefix("ask ") ? .ask : .allow,
                isDelegable: !text.hasPrefix("own ") && !text.hasPrefix("ask "))
        }
        return try await runtime.spawn(
            SpawnRequest(image: "coding-agent:v0", goal: .text("scenario"), capabilities: terms, budget: budget)
        ).id
    }

    /// Plays a script to its end. People answer as told; without an answer questions stay open.
    @discardableResult
    func play(_ script: String, quanta: Int = 60, approves: Bool? = nil) async throws -> SchedulerReport {
        let client = try ScriptedClient.read(Array(script.utf8), fileName: "scenario.yaml") { [self] request in
            roles.withLock { $0[request.process] ?? ScriptedClient.everybody }
        }
        let executor = QuantumExecutor(runtime: runtime, tools: tools, client: client)
        let scheduler = Scheduler(runtime: runtime, runner: executor)
        return try await scheduler.runUntilIdle(
            maxQuanta: quanta, humans: approves.map { AutomaticResponder(approves: $0, answer: "yes") })
    }

    private let roles = Mutex<[String: String]>([:])

    // MARK: - What happened

    /// A file of the repository as the host has it.
    func text(_ name: String) throws -> String { try HostFile.text(sandbox.path(name)) }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any StoreReading) throws(LibOSError) -> Value
    ) async throws -> Value {
        try await store.read(body)
    }

    func process(_ id: ProcessID) async throws -> AgentProcess {
        try await store.read { store throws(LibOSError) in try store.existingProcess(id) }
    }

    func calls(_ id: ProcessID) async throws -> [ToolCallRecord] {
        try await store.read { store throws(LibOSError) in try store.toolCalls(of: id, state: nil, limit: 2000) }.reversed()
    }

    func audits(_ action: String) async throws -> [AuditEntry] {
        try await store.read { store throws(LibOSError) in try store.audit(AuditQuery(action: action, limit: 10_000)) }.map(\.entry)
    }

    /// The tool calls of a process as the audit has them: name, whether it was done, who refused.
    func outcomes(_ id: ProcessID) async throws -> [Outcome] {
        try await audits("llm.action").filter { $0.actor == id.text && $0.action == "llm.action" }.map { entry in
            let result = entry.decision["result"] ?? .null
            let denial = result["payload"]?["error"]?["denial"]
            var layer: String?
            if case .string(let text)? = denial?["layer"] { layer = text }
            return Outcome(tool: entry.target ?? "", isDone: result["ok"] == .bool(true), layer: layer, payload: result["payload"] ?? .null)
        }
    }

    struct Outcome: Equatable {
        var tool: String
        var isDone: Bool
        var layer: String?
        var payload: JSONValue
        var short: String { isDone ? "\(tool) done" : "\(tool) refused" }
    }

    /// Everything that any record says, for looking that a secret is in none.
    func everythingRecorded() async throws -> String {
        let audit = try await audits("")
        let calls = try await store.read { store throws(LibOSError) in try store.toolCalls(of: nil, state: nil, limit: 10_000) }
        let models = try await store.read { store throws(LibOSError) in try store.modelCalls(of: nil, limit: 10_000) }
        return (audit.map(\.decision.canonicalText) + calls.map(\.report.canonicalText) + models.map(\.messages.canonicalText))
            .joined(separator: "\n")
    }
}
