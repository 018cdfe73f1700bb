internal import CapabilityLanguage
internal import LibOSModel
internal import StrictJSON

extension StoreReading {
    /// Who gave it, what it hangs below, what hangs below it, and what it was used for.
    func explainCapability(_ id: CapabilityID) throws(LibOSError) -> Explanation {
        guard let record = try capability(id) else { throw .notFound("capability \(id)") }
        var result = Explanation(
            id: id.text, kind: "capability",
            headline: "\(id): \(record.effect.rawValue) \(CapabilityWords.names(record.rights)) on \(record.resource) for "
                + "\(record.subject), \(record.isActive(at: now) ? "in force" : record.status == .active ? "over" : record.status.rawValue)"
        )
        result.add("record", ["\(record.line)  at \(record.issuedAt)"], record.json)
        var line: [CapabilityRecord] = []
        var next = record.parent
        while let parent = next, let found = try capability(parent), line.count < 64 {
            line.append(found)
            next = found.parent
        }
        result.add("comes from", line.map { "\($0.line)  of \($0.subject)" }, .array(line.map(\.json)))
        let below = try capabilities(delegatedFrom: id)
        result.add("handed on", below.map { "\($0.line)  to \($0.subject)" }, .array(below.map(\.json)))
        if let hash = record.constraints.actionHash {
            let requests = try humanRequests(status: nil, process: record.subject).filter { $0.actionHash == hash }
            let now = now
            result.add("asked", requests.flatMap { HumanRequestText.lines($0, now: now) }, .strings(requests.map(\.id.text)))
        }
        let calls = try toolCalls(of: record.subject, state: nil, limit: .max).filter { $0.capabilities.contains(id) }
        result.add(
            "used by", calls.reversed().map { "\($0.id)  \($0.toolName)  \($0.state.rawValue)" }, .strings(calls.map(\.id.text)))
        let records = try audit(AuditQuery(limit: .max)).filter { entry in
            entry.entry.capabilities.contains(id) || entry.entry.target?.hasSuffix(id.text) == true
                || entry.entry.decision["capability_id"] == .string(id.text)
        }
        result.add("records", records.map(\.line), .strings(records.map(\.id.text)))
        return result
    }
}
