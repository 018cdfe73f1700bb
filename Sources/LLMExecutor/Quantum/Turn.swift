internal import AgentRuntime
internal import LibOSModel
internal import StrictJSON

/// What one question to the model is made of.
struct Turn: Sendable {
    var process: ProcessID
    var image: AgentImage
    var messages: [ModelMessage]
    var tools: [ModelTool]
    /// What the process's account is once this is committed.
    var account: KnownAccounts.Account?
}

extension QuantumExecutor {
    /// Image for a process whose own is unknown.
    static let standardImage = "base-agent:v0"

    /// How a quantum begins.
    enum Beginning: Sendable {
        /// The process cannot run.
        case skipped(ProcessStatus)
        /// An action that was selected earlier comes first.
        case pending(PendingAction)
        /// What is asked, and the record of the first attempt, which is there before the model is.
        case ready(Turn, ModelCallRecord)
        /// The process was ended because a budget is used up.
        case overBudget(LibOSError)
    }

    /// Looks at the process's memory, mail and events, brings its context up to date and opens the record of the first attempt: one
    /// transaction, so that the model sees one state.
    func begin(_ id: ProcessID) async throws(LibOSError) -> Beginning {
        let beginning: Beginning = try await runtime.store.write { transaction throws(LibOSError) in
            let process = try transaction.existingProcess(id)
            guard process.status == .running || process.status == .runnable else { return .skipped(process.status) }
            if let pending = try transaction.pendingAction(of: id) { return .pending(pending) }
            let turn = try prepare(process, in: transaction)
            switch try open(turn, turn.messages, attempt: 1, in: transaction) {
            case .opened(let record): return .ready(turn, record)
            case .overBudget(let error): return .overBudget(error)
            }
        }
        if case .ready(let turn, _) = beginning, let account = turn.account { context.known.remember(account, of: id) }
        return beginning
    }

    private func prepare(_ given: AgentProcess, in transaction: any StoreTransaction) throws(LibOSError) -> Turn {
        var process = given
        let specs = tools.visibleTools(of: process)
        let image = try Self.image(of: process, in: transaction)
        if process.view == nil {
            process.view = MemoryView(owner: process.id, mode: .readOnly)
            try transaction.update(process)
        }
        _ = try runtime.messages.notice(
            of: .interrupt, for: process.id, phase: .beforeSelection, source: "llm.executor", in: transaction)
        let prepared = try context.prepare(process, image: image, tools: specs, in: transaction)
        let messages = [
            ModelMessage(.system, SystemPrompt.text(for: image)), ModelMessage(.user, UserPrompt.text(context: prepared.text)),
        ]
        try transaction.append(
            AuditEntry(
                actor: process.id.text, action: "llm.request", target: "image:\(image.id)", inputs: prepared.objects,
                decision: .object(["messages": .int(Int64(messages.count)), "policy": .string(image.contextPolicy.rawValue)])))
        return Turn(
            process: process.id, image: image, messages: messages,
            tools: specs.map { ModelTool(name: $0.name, description: $0.description, parameters: $0.inputSchema) },
            account: prepared.account)
    }

    private static func image(of process: AgentProcess, in store: any StoreReading) throws(LibOSError) -> AgentImage {
        if let image = try store.image(process.image) { return image }
        guard let image = try store.image(standardImage) else {
            throw LibOSError(
                .notFound, "neither the image \(process.image) nor \(standardImage) is in the store", mend: "start the runtime first")
        }
        return image
    }
}
