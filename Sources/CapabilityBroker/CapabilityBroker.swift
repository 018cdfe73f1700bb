internal import CapabilityLanguage
package import LibOSModel
internal import SandboxPolicy

/// Decides what processes may do, and changes what they may do. All state is in the store; the broker only remembers what it
/// parsed. One broker belongs to one store.
package struct CapabilityBroker: Sendable {
    let cache: AuthorityCache

    /// - Parameters:
    ///   - mostSubjects: processes whose parsed records are kept.
    ///   - mostRecords: records kept in all.
    package init(mostSubjects: Int = 256, mostRecords: Int = 65_536) {
        cache = AuthorityCache(mostSubjects: mostSubjects, mostRecords: mostRecords)
    }

    /// Forgets what it parsed: for a store that others may have written to since.
    package func forget() { cache.forget() }

    /// Decides everything that an action needs, together: the lowest effect wins. Changes nothing and takes no use.
    package func authorize(_ request: AuthorizationRequest, in store: any StoreReading) throws(LibOSError) -> AuthorizationDecision {
        try authorize(request, at: store.now, in: store)
    }

    /// As `authorize(_:in:)`, at an instant that the caller names.
    package func authorize(
        _ request: AuthorizationRequest, at now: Timestamp, in store: any CapabilityReading
    ) throws(LibOSError) -> AuthorizationDecision {
        let authority = try cache.authority(of: request.subject, at: now, in: store)
        let evaluation = RightEvaluation(authority: authority, context: request.context, policy: request.policy)
        var rights: [RightDecision] = []
        for need in request.needs {
            guard !need.rights.isEmpty else { return Self.nothingNamed(need, request.subject) }
            for right in CapabilityRight.inOrder(need.rights) { rights.append(evaluation.decide(need.resource.asGranted, right)) }
        }
        return Self.decision(rights, for: request)
    }

    /// Puts a decision into the audit, for callers whose own record does not name it.
    package func record(
        _ decision: AuthorizationDecision, correlation: String? = nil, in transaction: any StoreTransaction
    ) throws(LibOSError) {
        try transaction.append(
            AuditEntry(
                actor: decision.subject.text, action: "capability.authorize", target: decision.rights.first?.resource.description,
                capabilities: decision.matched, decision: decision.json, correlation: correlation))
    }

    private static func decision(_ rights: [RightDecision], for request: AuthorizationRequest) -> AuthorizationDecision {
        guard var lowest = rights.first else {
            return AuthorizationDecision(
                subject: request.subject, effect: .allow, reason: "the action needs nothing", rights: [], matched: [], selected: nil,
                capabilities: [],
                oneShots: [], issuers: [], constraints: [], asked: [], denial: nil, grants: [])
        }
        for right in rights.dropFirst() where right.effect < lowest.effect { lowest = right }
        var decision = AuthorizationDecision(
            subject: request.subject, effect: lowest.effect, reason: lowest.reason(for: request.subject), rights: rights, matched: [],
            selected: lowest.selected,
            capabilities: [], oneShots: [], issuers: lowest.issuers, constraints: lowest.constraints, asked: [], denial: nil, grants: [])
        for right in rights {
            for id in right.matched where !decision.matched.contains(id) { decision.matched.append(id) }
            guard let id = right.selected, lowest.effect == .allow else { continue }
            if !decision.capabilities.contains(id) { decision.capabilities.append(id) }
            if right.isCounted, !decision.oneShots.contains(id) { decision.oneShots.append(id) }
        }
        switch lowest.effect {
        case .deny: decision.denial = lowest.denial(for: request.subject)
        case .ask: decision.asked = asked(rights)
        case .allow: decision.grants = CapabilityGrant.grants(of: rights)
        }
        return decision
    }

    private static func asked(_ rights: [RightDecision]) -> [NeededRight] {
        var result: [NeededRight] = []
        for right in rights where right.effect == .ask {
            if let at = result.firstIndex(where: { $0.resource == right.resource }) {
                result[at].rights.insert(right.right)
            } else {
                result.append(NeededRight(resource: right.resource, rights: [right.right]))
            }
        }
        return result
    }

    private static func nothingNamed(_ need: NeededRight, _ subject: ProcessID) -> AuthorizationDecision {
        let reason = "no right on \(need.resource) was named"
        return AuthorizationDecision(
            subject: subject, effect: .deny, reason: reason, rights: [], matched: [], selected: nil, capabilities: [], oneShots: [],
            issuers: [],
            constraints: [], asked: [], denial: Denial(layer: .capability, rule: "no right", reason: reason), grants: [])
    }
}
