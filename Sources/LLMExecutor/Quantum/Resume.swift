internal import AgentRuntime
internal import LibOSModel
internal import StrictJSON

/// Going on with an action that waited. It is claimed in the store before anything of it is done: what is found claimed after a
/// crash was perhaps done, and is never done again.
extension QuantumExecutor {
    private enum Standing: Sendable {
        case notYet(WaitState)
        case ready(Resumption)
        /// A person said no, or nobody can say yes any more.
        case rejected(HumanRequestID, status: HumanRequest.Status, reason: String?)
    }

    func resume(_ pending: PendingAction) async throws -> QuantumResult {
        let id = pending.process
        if pending.state == .resuming {
            return try await giveUp(
                id,
                because: LibOSError(
                    .process, "an action of \(id) was begun and never closed: whether it was done is unknown, and it is not done again"))
        }
        guard let action = ModelAction(json: pending.action) else {
            throw LibOSError(.store, "the pending action of \(id) names no tool", mend: "end the process: its record is damaged")
        }
        let selection = Selection(action: action, contentPreview: pending.contentPreview, toolCallCount: pending.toolCallCount)
        let processes = runtime.processes
        let standing = try await runtime.store.write { transaction throws(LibOSError) in
            let standing = try Self.standing(of: pending, in: transaction)
            switch standing {
            case .notYet(let wait): try processes.waitAgain(for: wait, id, in: transaction)
            case .ready:
                var claimed = pending
                claimed.state = .resuming
                try transaction.put(claimed)
            case .rejected: break
            }
            return standing
        }
        switch standing {
        case .notYet(let wait): return QuantumResult(process: id, isCharged: false, payload: wait.payload(of: id))
        case .ready(let resumption): return try await carryOut(selection, of: id, resumption)
        case .rejected(let request, let status, let reason):
            return try await reject(selection, of: id, request, status, reason)
        }
    }

    private static func standing(of pending: PendingAction, in store: any StoreReading) throws(LibOSError) -> Standing {
        switch pending.wait {
        case .human(let ids):
            var rejected: (HumanRequestID, HumanRequest.Status, String?)?
            for id in ids.sorted() {
                guard let request = try store.humanRequest(id) else {
                    rejected = (id, .cancelled, nil)
                    continue
                }
                switch request.status {
                case .pending: return .notYet(pending.wait)
                case .approved, .used: continue
                case .rejected, .edited, .cancelled, .delivered, .expired: rejected = (id, request.status, request.decision?.reason)
                }
            }
            if let (id, status, reason) = rejected { return .rejected(id, status: status, reason: reason) }
            return .ready(.afterHuman(ids.min()))
        case .child(let child):
            let hasEnded = try store.process(child)?.status.isTerminal ?? true
            return hasEnded ? .ready(.afterChild) : .notYet(pending.wait)
        case .message(let filter):
            let isThere = try !store.messages(for: pending.process, status: .unread, matching: filter, limit: 1).isEmpty
            return isThere ? .ready(.afterMessage) : .notYet(pending.wait)
        }
    }

    /// A rejection is a failed result: the process goes on and may choose another way.
    private func reject(
        _ selection: Selection, of id: ProcessID, _ request: HumanRequestID, _ status: HumanRequest.Status, _ reason: String?
    ) async throws(LibOSError) -> QuantumResult {
        let said = reason.map { ": \(printable($0))" } ?? ""
        let text = "the request \(request) is \(status.rawValue), so the action was not done\(said)"
        let name = selection.action.name
        let action = selection.action.json
        let result: [JSONMember] = [
            JSONMember("ok", .bool(false)), JSONMember("tool_id", .null), JSONMember("result_oid", .null), JSONMember("payload", .null),
            JSONMember("error", .string(text)),
        ]
        return try await complete(
            selection, of: id, result: result, handle: nil, .afterHuman(request),
            before: { transaction throws(LibOSError) in
                let tool = try transaction.process(id)?.toolTable[name]
                try transaction.append(
                    RuntimeEvent(
                        type: .toolFailed, source: "tool:\(tool?.text ?? name)", target: id.text,
                        payload: .object([
                            "error": .string(text), "tool_name": .string(name), "request_id": .string(request.text),
                            "policy_decision": .string("deny"), "policy_reason": .string("human_rejected_per_use_approval"),
                        ]), createdAt: transaction.now))
                try transaction.append(
                    AuditEntry(
                        actor: id.text, action: "llm.pending_action_rejected", target: name,
                        decision: .object(["request_id": .string(request.text), "action": action, "error": .string(text)])))
            }, noticesMail: false)
    }
}
