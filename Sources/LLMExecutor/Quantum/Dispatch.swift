internal import AgentRuntime
internal import LibOSModel
internal import StrictJSON
internal import Synchronization
internal import ToolBroker

/// Carrying one action out, and recording what came of it.
extension QuantumExecutor {
    /// They are how a process gets rid of its interrupts, so interrupts do not keep it from them.
    private static let messageTools: Set<String> = ["read_process_messages", "receive_process_messages"]

    /// - Parameter hasInterrupts: whether there are unread ones; nil when nobody has looked yet.
    func carryOut(
        _ selection: Selection, of id: ProcessID, _ resumption: Resumption, hasInterrupts: Bool? = nil
    ) async throws(LibOSError) -> QuantumResult {
        if hasInterrupts != false, let blocked = try await interrupted(selection.action, of: id) {
            return try await complete(selection, of: id, result: blocked, handle: nil, resumption)
        }
        // The call's end and the action's are one step where they can be: no crash comes between them.
        let recorded = Mutex<JSONValue?>(nil)
        let completion = try await tools.call(
            ToolCallRequest(
                process: id, tool: selection.action.name, arguments: selection.action.arguments, isRepeated: resumption.isResumed,
                resumed: resumption.request)
        ) { result, transaction throws(LibOSError) in
            let payload = try self.record(
                selection, of: id, result: Self.members(of: result), handle: result.result, resumption, in: transaction)
            recorded.withLock { $0 = payload }
        }
        switch completion {
        case .waiting(let wait): return try await suspend(selection, of: id, on: wait)
        case .done(let result):
            if result.isEndRecorded, let payload = recorded.withLock({ $0 }) { return QuantumResult(process: id, payload: payload) }
            return try await complete(selection, of: id, result: Self.members(of: result), handle: result.result, resumption)
        }
    }

    private static func members(of result: ToolCallResult) -> [JSONMember] {
        [
            JSONMember("ok", .bool(result.isOK)), JSONMember("tool_id", .optional(result.tool?.text)),
            JSONMember("result_oid", .optional(result.result?.object.text)), JSONMember("payload", result.payload),
            JSONMember("error", .optional(result.error)),
        ]
    }

    static func hasInterrupts(_ id: ProcessID, in store: any StoreReading) throws(LibOSError) -> Bool {
        try !store.messages(for: id, status: .unread, matching: MessageFilter(kind: .interrupt), limit: 1).isEmpty
    }

    /// The result of an action that unread interrupts kept from being done; nil when there are none.
    private func interrupted(_ action: ModelAction, of id: ProcessID) async throws(LibOSError) -> [JSONMember]? {
        if Self.messageTools.contains(action.name) { return nil }
        let messages = runtime.messages
        guard try await runtime.store.read({ store throws(LibOSError) in try Self.hasInterrupts(id, in: store) }) else { return nil }
        let notice = try await runtime.store.write { transaction throws(LibOSError) in
            try messages.notice(of: .interrupt, for: id, phase: .beforeTool, source: "llm.executor", in: transaction)
        }
        guard let notice else { return nil }
        return [
            JSONMember("ok", .bool(false)), JSONMember("tool_id", .null), JSONMember("result_oid", .null),
            JSONMember("payload", .object(["message_notice": notice])),
            JSONMember("error", .string("the tool was not run: read the interrupt messages first, with read_process_messages")),
            JSONMember("interrupted_by_message", .bool(true)), JSONMember("message_notice", notice),
        ]
    }

    /// Keeps an action that has to wait, exactly as it is. The wait itself is recorded already.
    private func suspend(_ selection: Selection, of id: ProcessID, on wait: WaitState) async throws(LibOSError) -> QuantumResult {
        try await runtime.store.write { transaction throws(LibOSError) in
            let process = try transaction.existingProcess(id)
            if process.status.isTerminal { return }
            try transaction.put(
                PendingAction(
                    process: id, action: selection.action.json, wait: wait, contentPreview: selection.contentPreview,
                    toolCallCount: selection.toolCallCount, generation: process.generation, createdAt: transaction.now))
            try transaction.append(
                AuditEntry(
                    actor: id.text, action: wait.auditAction, target: wait.auditTarget(of: id),
                    decision: .object(
                        wait.auditKeys + [
                            JSONMember("action", selection.action.json), JSONMember("message", .string(wait.message)),
                            JSONMember("tool_call_count", .int(selection.toolCallCount)),
                        ])))
        }
        return QuantumResult(process: id, payload: wait.payload(of: id))
    }

    /// Records a carried-out action. `ok` of the payload means that a decision was carried out, not that the tool succeeded.
    func complete(
        _ selection: Selection, of id: ProcessID, result: [JSONMember], handle: ObjectHandle?, _ resumption: Resumption,
        before: (@Sendable (any StoreTransaction) throws(LibOSError) -> Void)? = nil, noticesMail: Bool = true
    ) async throws(LibOSError) -> QuantumResult {
        let payload = try await runtime.store.write { transaction throws(LibOSError) in
            try before?(transaction)
            return try record(
                selection, of: id, result: result, handle: handle, resumption, noticesMail: noticesMail, in: transaction)
        }
        return QuantumResult(process: id, payload: payload)
    }

    /// - Returns: the payload of the quantum.
    private func record(
        _ selection: Selection, of id: ProcessID, result given: [JSONMember], handle: ObjectHandle?, _ resumption: Resumption,
        noticesMail: Bool = true, in transaction: any StoreTransaction
    ) throws(LibOSError) -> JSONValue {
        let (messages, humans) = (runtime.messages, runtime.humans)
        var result = given
        if var process = try transaction.process(id), !process.status.isTerminal {
            if let handle {
                process.see(handle)
                try transaction.update(process)
            }
            if noticesMail, !result.contains(where: { $0.key == "message_notice" }) {
                let notice = try messages.notice(of: .normal, for: id, phase: .afterTool, source: "llm.executor", in: transaction)
                result.append(JSONMember("message_notice", notice ?? .null))
            }
        } else if noticesMail, !result.contains(where: { $0.key == "message_notice" }) {
            result.append(JSONMember("message_notice", .null))
        }
        try humans.withdrawSuperseded(of: id, in: transaction)
        try transaction.deletePendingAction(of: id)
        let flags = resumption.flags
        func flag(_ key: String) -> JSONMember { JSONMember(key, .bool(flags.contains { $0.key == key })) }
        try transaction.append(
            AuditEntry(
                actor: id.text, action: "llm.action", target: selection.action.name, outputs: handle.map { [$0.object] } ?? [],
                decision: .object([
                    "action": selection.action.json, "result": .object(result), "content_preview": .string(selection.contentPreview),
                    "tool_call_count": .int(selection.toolCallCount), "resumed_after_human": flag("resumed_after_human").value,
                    "resumed_after_message": flag("resumed_after_message").value,
                ])))
        return JSONValue.object(
            [JSONMember("ok", .bool(true)), JSONMember("action", selection.action.json), JSONMember("result", .object(result))] + flags)
    }
}
