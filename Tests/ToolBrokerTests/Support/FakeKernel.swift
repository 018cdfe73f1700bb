internal import CapabilityBroker
internal import LibOSModel
internal import StrictJSON
internal import Synchronization

/// A runtime that does what a test says, and keeps what it was asked.
final class FakeKernel: LibOSKernel {
    struct State {
        var syscalls: [(call: Syscall, caller: SyscallCaller)] = []
        /// Answers by the name of the call; `value({})` without one.
        var answers: [String: SyscallOutcome] = [:]
        var approvals: [ApprovalRequest] = []
        var withdrawn: Set<HumanRequestID> = []
        var kept: [JSONValue] = []
        /// How people answer what a running tool waits for; nil: nobody does.
        var settlement: Bool?
        /// Why no result is kept; nil: they are.
        var keeping: LibOSError?
        /// Run when a call is made, before it is answered.
        var during: (@Sendable (Syscall) async -> Void)?
    }

    let state = Mutex(State())
    private let store: any RuntimeStore
    private let capabilities: CapabilityBroker

    init(store: any RuntimeStore, capabilities: CapabilityBroker) {
        self.store = store
        self.capabilities = capabilities
    }

    func answer(_ name: String, _ outcome: SyscallOutcome) { state.withLock { $0.answers[name] = outcome } }
    var calls: [Syscall] { state.withLock { $0.syscalls.map(\.call) } }

    func perform(_ syscall: Syscall, for caller: SyscallCaller) async -> SyscallOutcome {
        if let during = state.withLock({ $0.during }) { await during(syscall) }
        return state.withLock { state in
            state.syscalls.append((syscall, caller))
            return state.answers[syscall.name] ?? .value(.object([]))
        }
    }

    func settled(_ wait: WaitState, of process: ProcessID) async throws(LibOSError) {
        guard case .human(let requests) = wait, let yes = state.withLock({ $0.settlement }) else {
            throw LibOSError(.process, "nobody will ever settle this")
        }
        for id in requests { try await decide(id, yes) }
    }

    func decide(_ id: HumanRequestID, _ yes: Bool) async throws(LibOSError) {
        let capabilities = capabilities
        try await store.write { transaction throws(LibOSError) in
            guard var request = try transaction.humanRequest(id) else { throw .notFound("request \(id)") }
            request.status = yes ? .approved : .rejected
            request.decision = HumanDecision(responder: "human:owner", isApproved: yes)
            try transaction.update(request)
            if yes { try capabilities.approve(request, in: transaction) }
        }
    }

    func ask(
        _ request: ApprovalRequest, for process: ProcessID, in transaction: any StoreTransaction
    ) throws(LibOSError) -> HumanRequestID {
        state.withLock { $0.approvals.append(request) }
        let asked = HumanRequest(process: process, content: .approval(request, question: "may it?"), createdAt: transaction.now)
        try transaction.insert(asked)
        return asked.id
    }

    func withdraw(
        _ requests: Set<HumanRequestID>, because reason: String, in transaction: any StoreTransaction
    ) throws(LibOSError) {
        state.withLock { $0.withdrawn.formUnion(requests) }
    }

    func keepResult(
        _ payload: JSONValue, title: String, tool: ToolID, of process: ProcessID, in transaction: any StoreTransaction
    ) throws(LibOSError) -> ObjectHandle? {
        if try transaction.existingProcess(process).status.isTerminal { return nil }
        if let refusal = state.withLock({ $0.keeping }) { throw refusal }
        state.withLock { $0.kept.append(payload) }
        let object = AgentObject(
            namespace: AgentProcess.namespace(of: process), type: .toolResult, payload: payload, createdBy: process.text,
            createdAt: transaction.now)
        try transaction.insert(object)
        return ObjectHandle(object: object.id, rights: [.read], capability: .new())
    }
}
