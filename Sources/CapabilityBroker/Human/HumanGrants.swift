package import LibOSModel
internal import StrictJSON

extension CapabilityBroker {
    /// How long an approval waits for its action when nobody says otherwise, seconds.
    package static let approvalSeconds = 900.0

    /// Turns an approved request into records that allow its action, and no other, once. The records are for the process that asked.
    /// - Returns: one record for each resource that needed a yes.
    @discardableResult
    package func approve(_ request: HumanRequest, in transaction: any StoreTransaction) throws(LibOSError) -> [CapabilityRecord] {
        guard case .approval(let approval, _) = request.content else {
            throw LibOSError(.validation, "request \(request.id) asks for no approval")
        }
        let (actor, decision) = try decided(request, in: transaction)
        guard decision.isApproved, request.status == .approved else {
            throw LibOSError(.validation, "request \(request.id) is not approved (\(request.status.rawValue))")
        }
        guard !approval.needs.isEmpty else { throw LibOSError(.validation, "request \(request.id) names nothing to allow") }
        let ends = [request.expiresAt, decision.expiresAt, transaction.now.adding(seconds: Self.approvalSeconds)].compactMap { $0 }
        var records: [CapabilityRecord] = []
        for need in approval.needs {
            let terms = CapabilityTerms(
                resource: need.resource.asGranted, rights: need.rights,
                constraints: CapabilityConstraints(actionHash: approval.actionHash), expiresAt: ends.min(), uses: 1)
            try terms.validate(at: transaction.now)
            records.append(terms.record(for: request.process, by: actor.text, at: transaction.now))
        }
        for record in records {
            try add(record, by: actor, as: "capability.grant", extra: ["request_id": .string(request.id.text)], in: transaction)
        }
        return records
    }

    /// Remembers what a person decided about a permission that a process wished for: one of the durable policies, for the process
    /// that asked. Without a choice an approval is remembered as `always_allow` and a rejection as `always_deny`.
    @discardableResult
    package func remember(_ request: HumanRequest, in transaction: any StoreTransaction) throws(LibOSError) -> CapabilityRecord {
        guard case .permission(let wish, _, _) = request.content else {
            throw LibOSError(.validation, "request \(request.id) wishes for no permission")
        }
        let (actor, decision) = try decided(request, in: transaction)
        guard request.status == (decision.isApproved ? .approved : .rejected) else {
            throw LibOSError(.validation, "request \(request.id) is \(request.status.rawValue), which its decision is not")
        }
        let policy = decision.policy ?? (decision.isApproved ? .alwaysAllow : .alwaysDeny)
        guard policy != .allowOnce else {
            throw LibOSError(.validation, "`allow_once` is not remembered", mend: "choose always_allow, ask_each_time or always_deny")
        }
        guard decision.isApproved || policy == .alwaysDeny else {
            throw LibOSError(.validation, "a rejection cannot be remembered as \(policy.rawValue)")
        }
        if policy != .alwaysDeny, let denial = PermissionBreadth.denial(of: wish) { throw .denied(denial) }
        return try setPermissionPolicy(
            policy, on: wish.resource.asGranted, rights: wish.rights, for: request.process, expiresAt: decision.expiresAt, by: actor,
            in: transaction)
    }

    /// Ends the unused approvals of one action: for a pending action that is given up. Without it they stand until they expire, and
    /// refuse other actions on the same resources meanwhile. Returns how many there were; one whose use is taken is left to its action.
    @discardableResult
    package func withdrawApprovals(
        of hash: String, from subject: ProcessID, by actor: CapabilityActor, in transaction: any StoreTransaction
    ) throws(LibOSError) -> Int {
        var count = 0
        for record in try transaction.capabilities(of: subject) {
            guard record.status == .active, record.usesRemaining ?? 0 > 0, let bound = record.constraints.actionHash,
                haveSameBytes(bound, hash)
            else { continue }
            try revoke(record.id, by: actor, reason: "the approved action was given up", in: transaction)
            count += 1
        }
        return count
    }

    /// The stored request decides, not the copy that the caller holds.
    private func decided(
        _ request: HumanRequest, in transaction: any StoreReading
    ) throws(LibOSError) -> (actor: CapabilityActor, decision: HumanDecision) {
        guard let stored = try transaction.humanRequest(request.id) else { throw .notFound("human request \(request.id)") }
        guard stored == request, let decision = stored.decision else {
            throw LibOSError(
                .validation, "request \(request.id) is not as the store has it, or undecided", mend: "store the decision first")
        }
        if let end = stored.expiresAt, end <= transaction.now {
            throw LibOSError(.validation, "request \(request.id) expired at \(end)")
        }
        let actor = CapabilityActor(text: decision.responder)
        try requireTrusted(actor, to: "decide a request")
        return (actor, decision)
    }
}
