internal import AgentRuntime
internal import CapabilityLanguage
internal import LibOSModel
internal import StrictJSON

extension StoreReading {
    /// Everything recorded about one call. A call that was refused before anything started has no row of its own; its audit
    /// records tell of it.
    func explainCall(_ id: ToolCallID) throws(LibOSError) -> Explanation {
        let call = try toolCall(id)
        let records = try auditRecords(of: id)
        guard call != nil || !records.isEmpty else { throw .notFound("tool call \(id)") }
        let last = records.last { $0.entry.action == "tool.call" || $0.entry.action.hasPrefix("tool.call_waiting") }
        let process = call?.process.text ?? last?.entry.actor ?? ""
        let tool = call?.toolName ?? last?.entry.decision["tool"]?.plainText ?? ""
        var result = Explanation(
            id: id.text, kind: "tool_call", headline: "\(id): \(tool) for \(process), \(Self.verdict(call, last))")
        var arguments = call?.arguments
        if arguments == nil { arguments = try calledArguments(id, target: last?.entry.target) }
        var asked: [String] = []
        if let arguments { asked.append("arguments  \(arguments.canonicalText.shortened(to: 4_096))") }
        if let call { asked += ["at         \(call.createdAt)", "action     \(call.actionHash)"] }
        result.add("request", asked, .object(["arguments": arguments ?? .null, "action_hash": .optional(call?.actionHash)]))
        if let denial = last?.denial {
            result.add("refused", denial.denialLines, denial)
        } else if let last, last.isRefusal, let error = last.entry.decision["error"] {
            result.add("refused", [error.plainText], .object(["reason": error]))
        }
        try explainAuthority(call, records, &result)
        if let call, case .object = call.report {
            result.add("sandbox", RunReportText.lines(call.report), call.report)
        } else if call != nil {
            result.add("sandbox", ["no process was started for it"], .null)
        }
        result.add("records", records.map(\.line), .array(try records.map { record throws(LibOSError) in .object(try record.members()) }))
        var outcome: [String] = []
        if let call {
            outcome.append("\(call.state.rawValue)" + (call.endedAt.map { " at \($0)" } ?? ""))
            if let error = call.error { outcome.append(error) }
            if let object = call.result { outcome.append("result in \(object); `glovebox memory show \(object)`") }
        } else if let error = last?.entry.decision["error"]?.plainText {
            outcome.append(error)
        }
        result.add(
            "outcome", outcome,
            .object([
                "state": .optional(call?.state.rawValue), "error": .optional(call?.error ?? last?.entry.decision["error"]?.plainText),
                "result_oid": .optional(call?.result?.text),
            ]))
        return result
    }

    private static func verdict(_ call: ToolCallRecord?, _ last: AuditRecord?) -> String {
        if let call {
            switch call.state {
            case .intended: return "under way"
            case .completed: return "done"
            case .failed: return "failed"
            case .unknown: return "unknown: the runtime ended before its outcome was known; it is not done again"
            }
        }
        guard let decision = last?.entry.decision else { return "recorded" }
        if last?.entry.action.hasPrefix("tool.call_waiting") == true { return "waiting" }
        if decision["ok"] == .bool(true) { return "done" }
        return decision["policy_decision"] == .string("deny") ? "denied" : "not done"
    }

    /// Records and rules that it rested on, and who agreed.
    private func explainAuthority(
        _ call: ToolCallRecord?, _ records: [AuditRecord], _ result: inout Explanation
    ) throws(LibOSError) {
        var ids = call?.capabilities ?? []
        for record in records { ids += record.entry.capabilities.filter { !ids.contains($0) } }
        var capabilities: [CapabilityRecord] = []
        for id in ids { if let record = try capability(id) { capabilities.append(record) } }
        var rules = capabilities.map(\.line)
        if let policy = call?.policyHash { rules.append("policy \(policy)") }
        result.add(
            "allowed by", rules,
            .object(["capabilities": .array(capabilities.map(\.json)), "policy_hash": .optional(call?.policyHash)]))
        var requests: [HumanRequest] = []
        if let call {
            requests = try humanRequests(status: nil, process: call.process).filter { $0.actionHash == call.actionHash }
        }
        for record in records {
            guard let text = record.entry.decision["request_id"]?.plainText, let id = HumanRequestID(text),
                !requests.contains(where: { $0.id == id }), let request = try humanRequest(id)
            else { continue }
            requests.append(request)
        }
        let now = now
        result.add("asked", requests.flatMap { HumanRequestText.lines($0, now: now) }, .array(requests.map(\.json)))
    }

    /// All records of one call, the oldest first.
    func auditRecords(of id: ToolCallID) throws(LibOSError) -> [AuditRecord] {
        let own = try audit(AuditQuery(correlation: id.text, limit: .max))
        if !own.isEmpty { return own }
        // Calls of a quantum may share its correlation.
        return try audit(AuditQuery(limit: .max)).filter { $0.entry.decision["call_id"] == .string(id.text) }
    }

    /// The arguments of a call that has no row: the event of the call has them.
    private func calledArguments(_ id: ToolCallID, target: String?) throws(LibOSError) -> JSONValue? {
        guard let target else { return nil }
        let events = try recentEvents(for: target, limit: 10_000)
        return events.last { $0.type == .toolCalled && $0.payload["call_id"] == .string(id.text) }?.payload["args"]
    }
}

extension HumanRequest {
    /// Of the action that it asks about.
    var actionHash: String? {
        if case .approval(let approval, _) = content { approval.actionHash } else { nil }
    }
}
