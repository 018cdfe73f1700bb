import AgentRuntime
import CapabilityBroker
import CapabilityLanguage
import LLMExecutor
import LibOSModel
import SQLiteRuntimeStore
import StrictJSON
import Synchronization
import ToolBroker

/// Every name but those that begin with `missing` is a tool.
struct AnyTool: ToolDirectory {
    func staticTool(named name: String) -> ToolID? { name.hasPrefix("missing") ? nil : ToolID("tool_static_" + name) }
}

/// A tool broker that does what a test says, and notes what it was asked.
final class FakeTools: ToolCalling {
    typealias Body = @Sendable (ToolCallRequest) async throws -> Completion<ToolCallResult>

    private let bodies: Mutex<[Body]>
    private let asked = Mutex<[ToolCallRequest]>([])

    init(_ bodies: [Body] = []) { self.bodies = Mutex(bodies) }

    var requests: [ToolCallRequest] { asked.withLock { $0 } }

    func visibleTools(of process: AgentProcess) -> [ToolSpec] {
        process.toolTable.keys.sorted().compactMap { name in
            process.toolTable[name].map {
                ToolSpec(id: $0, name: name, description: "does \(name)", inputSchema: .object(["type": .string("object")]))
            }
        }
    }

    func call(_ request: ToolCallRequest) async throws(LibOSError) -> Completion<ToolCallResult> {
        asked.withLock { $0.append(request) }
        let body = bodies.withLock { $0.isEmpty ? nil : $0.removeFirst() }
        guard let body else { return .done(Self.result(.object(["done": .bool(true)]))) }
        do {
            return try await body(request)
        } catch {
            throw error as? LibOSError ?? LibOSError(.store, "\(error)")
        }
    }

    /// A body that ends with a result.
    static func answering(_ result: ToolCallResult) -> Body { { _ in .done(result) } }

    static func result(_ payload: JSONValue, isOK: Bool = true, error: String? = nil, handle: ObjectHandle? = nil) -> ToolCallResult {
        ToolCallResult(
            call: .new(), tool: ToolID("tool_static_echo"), isOK: isOK, payload: payload, error: error, result: handle,
            decision: isOK ? .allow : .deny)
    }
}

/// A model that answers from a list, and keeps what it was asked.
final class ListedModel: ModelClient {
    let name = "ListedModel"
    let isRealModel = false
    private let answers: Mutex<[Result<ModelCompletion, ModelError>]>
    private let asked = Mutex<[ModelRequest]>([])

    init(_ answers: [Result<ModelCompletion, ModelError>]) { self.answers = Mutex(answers) }

    convenience init(actions: [ModelAction]) {
        self.init(
            actions.map {
                .success(ModelCompletion(content: "", toolCalls: [ModelToolCall(name: $0.name, arguments: .value($0.arguments))]))
            })
    }

    var requests: [ModelRequest] { asked.withLock { $0 } }

    func complete(_ request: ModelRequest) async throws(ModelError) -> ModelCompletion {
        asked.withLock { $0.append(request) }
        let answer = answers.withLock { $0.isEmpty ? .failure(ModelError(.unavailable, "no answer is left")) : $0.removeFirst() }
        return try answer.get()
    }
}

struct QuantumFixture {
    let runtime: AgentRuntime

    init() async throws {
        runtime = AgentRuntime(store: try SQLiteRuntimeStore.inMemory(), tools: AnyTool(), sleeper: { _ in })
        try await runtime.start()
    }

    func spawn(budget: ResourceBudget = .standard) async throws -> ProcessID {
        let terms = try [("human:owner", Set([CapabilityRight.write])), ("process:spawn", [.execute])].map { resource, rights in
            CapabilityTerms(resource: try Resource.parse(resource), rights: rights, isDelegable: true)
        }
        let id = try await runtime.spawn(SpawnRequest(goal: .text("test"), capabilities: terms, budget: budget)).id
        try await runtime.store.write { transaction throws(LibOSError) in
            var process = try transaction.existingProcess(id)
            process.toolTable["echo"] = ToolID("tool_static_echo")
            try transaction.update(process)
        }
        return id
    }

    func executor(_ model: any ModelClient, _ tools: FakeTools = FakeTools(), _ settings: ExecutorSettings = ExecutorSettings())
        -> QuantumExecutor
    {
        QuantumExecutor(runtime: runtime, tools: tools, client: model, settings: settings)
    }

    func process(_ id: ProcessID) async throws -> AgentProcess {
        try await runtime.store.read { store throws(LibOSError) in try store.existingProcess(id) }
    }

    func audits(_ action: String) async throws -> [AuditEntry] {
        try await runtime.store.read { store throws(LibOSError) in try store.audit(AuditQuery(action: action, limit: 1000)) }.map(\.entry)
    }

    func events(_ type: EventType, _ id: ProcessID) async throws -> [RuntimeEvent] {
        try await runtime.store.read { store throws(LibOSError) in try store.events(for: id.text, after: nil, limit: 1000) }
            .filter { $0.type == type }
    }

    func modelCalls(_ id: ProcessID) async throws -> [ModelCallRecord] {
        try await runtime.store.read { store throws(LibOSError) in try store.modelCalls(of: id, limit: 100) }.reversed()
    }

    func pendingAction(_ id: ProcessID) async throws -> PendingAction? {
        try await runtime.store.read { store throws(LibOSError) in try store.pendingAction(of: id) }
    }

    /// As a tool that asks a person: the wait is recorded before it is returned.
    func asking(_ id: ProcessID) -> FakeTools.Body {
        { [runtime] _ in
            let approval = ApprovalRequest(
                tool: "echo", arguments: .object([]), actionHash: String(repeating: "a", count: 64), policyHash: "",
                needs: [NeededRight(resource: try Resource.parse("filesystem:workspace:notes.txt"), rights: [.write])])
            let request = try await runtime.store.write { transaction throws(LibOSError) in
                try runtime.ask(approval, for: id, in: transaction)
            }
            return .waiting(.human([request]))
        }
    }

    func decide(_ id: ProcessID, _ approved: Bool, reason: String? = nil) async throws {
        for request in try await runtime.pendingRequests() where request.process == id {
            _ = try await runtime.decide(request.id, HumanDecision(responder: "human:owner", isApproved: approved, reason: reason))
        }
    }
}

extension JSONValue {
    var keys: Set<String> { if case .object(let members) = self { Set(members.map(\.key)) } else { [] } }
}

let echo = ModelAction(name: "echo", arguments: .object(["text": .string("hi")]))
