internal import AgentRuntime
internal import LibOSModel
internal import StrictJSON

/// The running account of a process that its model reads: an object of the process's own memory that only ever grows at its end,
/// so that providers can reuse what they have read before. It is bounded: when it grows too long, its oldest entries fall out,
/// and what fell out is named.
struct ContextMemory: Sendable {
    let memory: ObjectMemory
    let eventLimit: Int
    let known = KnownAccounts()

    struct Prepared: Sendable {
        var text: String
        /// To be remembered once the transaction is committed.
        var account: KnownAccounts.Account?
        /// The context itself, and what the new entries came from.
        var objects: [ObjectID]
        var omitted: [ObjectID]
    }

    static func name(of process: ProcessID) -> String { ObjectNames.accountPrefix + process.text }

    /// Compares what the process looks like now with what the account says, appends the differences, and renders it.
    func prepare(
        _ given: AgentProcess, image: AgentImage, tools: [ToolSpec], in transaction: any StoreTransaction
    ) throws(LibOSError) -> Prepared {
        var process = given
        let origin = ActionOrigin(process: process.id, tool: "llm.context")
        let name = Self.name(of: process.id)
        var account = try known.account(of: process.id, in: transaction)
        if account == nil, let stored = try transaction.object(named: name, in: process.namespace) {
            guard let read = ContextLog(json: stored.payload) else {
                throw LibOSError(
                    .validation, "the object \(stored.qualifiedName) is not a context",
                    mend: "rename it: the runtime keeps its account there")
            }
            account = KnownAccounts.Account(object: stored, log: read)
        }
        let existing = account?.object
        let budget = process.budget[.materializedTokens] ?? ObjectMemory.standardContextBudget
        var source = process.view ?? MemoryView(owner: process.id)
        source.roots.removeAll { $0.object == existing?.id }
        let material = try memory.choose(from: source, policy: image.contextPolicy, budget: budget, by: origin, in: transaction)

        var difference = ContextDifference(
            log: account?.log ?? ContextLog(prefix: ContextLog.prefix(of: process, image: image, tools: tools)))
        difference.addProcess(process)
        try difference.addCapabilities(of: process.id, in: transaction)
        // The account says what it said last, so the same tools need not be made into facts again.
        if account?.tools != tools { difference.addTools(tools) }
        try difference.addEvents(for: process.id, limit: eventLimit, in: transaction)
        try difference.addMemory(material, in: transaction)
        difference.addOmissions(material.omitted)
        var log = difference.log
        let text = log.trim(toTokens: budget)

        let handle: ObjectHandle
        if let existing {
            handle = try memory.handle(to: existing.id, rights: [.read, .write], for: origin, in: transaction)
            if difference.hasChanges {
                let object = try memory.update(
                    handle, of: existing, with: ObjectPatch(payload: log.json, payloadBytes: log.jsonBytes), by: origin, in: transaction)
                account = KnownAccounts.Account(object: object, log: log)
            }
        } else {
            let created = try create(log, name: name, by: origin, in: transaction)
            handle = created.handle
            account = KnownAccounts.Account(object: created.object, log: log)
            // First in sight: it is what the process is.
            process.view?.roots.insert(handle, at: 0)
            try transaction.update(process)
        }
        account?.tools = tools
        return Prepared(
            text: text, account: account, objects: [handle.object] + material.objects, omitted: material.omitted.map(\.object))
    }

    private func create(
        _ log: ContextLog, name: String, by origin: ActionOrigin, in transaction: any StoreTransaction
    ) throws(LibOSError) -> CreatedObject {
        let metadata = ObjectMetadata(
            title: "Model context", summary: "What the model of this process has been told", tags: ["llm_context", "prompt_cache"])
        return try memory.create(
            ObjectDraft(type: .processState, payload: log.json, name: name, metadata: metadata, isImmutable: false), by: origin,
            in: transaction)
    }
}
