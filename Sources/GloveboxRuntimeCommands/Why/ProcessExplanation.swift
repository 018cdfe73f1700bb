internal import AgentRuntime
internal import CapabilityLanguage
internal import LibOSModel
internal import StrictJSON

extension StoreReading {
    /// How a process came to be where it is, and every refusal on the way.
    func explainProcess(_ id: ProcessID) throws(LibOSError) -> Explanation {
        let process = try existingProcess(id)
        var result = Explanation(
            id: id.text, kind: "process",
            headline: "\(id): \(process.status.rawValue)" + (process.standing.isEmpty ? "" : ", \(process.standing)"))
        var origin = ["image      \(process.image)", "made       \(process.createdAt)"]
        if let goal = try goalText(of: process) { origin.append("goal       \(goal)") }
        if let parent = process.parent { origin.append("parent     \(parent)") }
        result.add("process", origin, .object(process.members))
        if let pending = try pendingAction(of: id) {
            result.add("pending action", [pending.action.canonicalText.shortened(to: 4_096)], pending.action)
        }
        let held = try capabilities(of: id).filter { $0.resource.kind != .object && $0.resource.kind != .objectNamespace }
        result.add("authority", held.map(\.line), .array(held.map(\.json)))
        let requests = try humanRequests(status: nil, process: id).filter { $0.status != .delivered }
        result.add(
            "asked", requests.map { "\($0.id)  \($0.status.rawValue)  \(HumanRequestText.summary($0).shortened(to: 120))" },
            .array(requests.map(\.json)))
        let calls = Array(try toolCalls(of: id, state: nil, limit: .max).reversed())
        result.add(
            "calls", calls.map { "\($0.id)  \($0.toolName)  \($0.state.rawValue)" + ($0.error.map { "  \($0)" } ?? "") },
            .array(
                calls.map { .object(["call_id": .string($0.id.text), "tool": .string($0.toolName), "state": .string($0.state.rawValue)]) }))
        let refusals = try refusals(of: id)
        result.add(
            "refused by decision", refusals.flatMap(\.refusalLines),
            .array(try refusals.map { record throws(LibOSError) in .object(try record.members()) }))
        var inside: [String] = []
        for call in calls { inside += RunReportText.violations(call.report).map { "\(call.id)  \(call.toolName)  \($0)" } }
        result.add("refused by the sandbox", inside, .strings(inside))
        return result
    }

    /// One record of each refusal, the oldest first.
    func refusals(of id: ProcessID) throws(LibOSError) -> [AuditRecord] {
        var seen: Set<String> = []
        return try audit(AuditQuery(actor: id.text, limit: .max)).filter { record in
            // What the model was told of it repeats the call's own record.
            guard record.isRefusal, record.entry.action != "llm.action" else { return false }
            return seen.insert("\(record.entry.correlation ?? record.id.text) \(record.denial?.canonicalText ?? "")").inserted
        }
    }
}

extension AuditRecord {
    fileprivate var refusalLines: [String] {
        let decision = entry.decision
        let subject = decision["call_id"]?.plainText ?? id.text
        let what = [decision["tool"]?.plainText, decision["syscall"]?.plainText].compactMap { $0 }.joined(separator: " ")
        let lines = denial?.denialLines ?? [summary]
        return ["\(subject)  \(what.isEmpty ? entry.action : what)"] + lines.map { "    \($0)" }
    }
}
