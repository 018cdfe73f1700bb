internal import AgentRuntime
internal import LibOSModel
internal import StrictJSON

extension StoreReading {
    /// What was asked, who decided, what was granted by it, and what was done with it.
    func explainRequest(_ id: HumanRequestID) throws(LibOSError) -> Explanation {
        guard let request = try humanRequest(id) else { throw .notFound("human request \(id)") }
        var result = Explanation(
            id: id.text, kind: "human_request",
            headline: "\(id): \(request.content.kind) of \(request.process), \(request.status.rawValue)")
        result.add("request", HumanRequestText.lines(request, now: now), request.json)
        if let hash = request.actionHash {
            let granted = try capabilities(of: request.process).filter { $0.constraints.actionHash == hash }
            result.add("granted", granted.map(\.line), .array(granted.map(\.json)))
            let calls = try toolCalls(of: request.process, state: nil, limit: .max).filter { $0.actionHash == hash }
            result.add(
                "done with it", calls.map { "\($0.id)  \($0.toolName)  \($0.state.rawValue)  `glovebox why \($0.id)`" },
                .array(calls.map { .object($0.members) }))
        } else if case .permission(let wish, _, _) = request.content {
            let granted = try capabilities(of: request.process).filter {
                $0.resource == wish.resource && request.decision.map(\.responder) == $0.issuedBy && $0.issuedAt >= request.createdAt
            }
            result.add("granted", granted.map(\.line), .array(granted.map(\.json)))
        }
        let records = try audit(AuditQuery(target: "human_request:\(id)", limit: 1_000))
        result.add("records", records.map(\.line), .array(try records.map { record throws(LibOSError) in .object(try record.members()) }))
        return result
    }
}
