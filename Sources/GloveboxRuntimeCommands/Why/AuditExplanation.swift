internal import LibOSModel
internal import StrictJSON

extension StoreReading {
    /// A record of a call is explained by its call; any other by what led to it and what came of it.
    func explainAudit(_ id: AuditID) throws(LibOSError) -> Explanation {
        guard let record = try audit(id) else { throw .notFound("audit record \(id)") }
        if let text = record.entry.decision["call_id"]?.plainText, let call = ToolCallID(text) {
            var explanation = try explainCall(call)
            explanation.headline = "\(id) is record #\(record.sequence) of a call. " + explanation.headline
            return explanation
        }
        var result = Explanation(
            id: id.text, kind: "audit_record",
            headline: "\(id): \(record.entry.action) by \(record.entry.actor)" + (record.entry.target.map { " on \($0)" } ?? ""))
        result.add("record", [record.line], .object(try record.members()))
        if let denial = record.denial { result.add("refused", denial.denialLines, denial) }
        result.add(
            "decision", record.entry.decision == .object([]) ? [] : [record.entry.decision.canonicalText.shortened(to: 4_096)],
            record.entry.decision)
        var before: [AuditRecord] = []
        var next = record.entry.parent
        while let parent = next, let found = try audit(parent), before.count < 64 {
            before.append(found)
            next = found.entry.parent
        }
        result.add("follows from", before.map(\.line), .strings(before.map(\.id.text)))
        if let correlation = record.entry.correlation {
            let others = try audit(AuditQuery(correlation: correlation, limit: 1_000)).filter { $0.id != id }
            result.add("together with", others.map(\.line), .strings(others.map(\.id.text)))
        }
        var capabilities: [CapabilityRecord] = []
        for id in record.entry.capabilities { if let found = try capability(id) { capabilities.append(found) } }
        result.add("capabilities", capabilities.map(\.line), .array(capabilities.map(\.json)))
        return result
    }
}
