internal import CapabilityBroker
internal import LibOSModel
internal import SandboxPolicy
internal import StrictJSON

/// What a decided call brings along when a worker that stays may serve it.
struct SessionClaim: Sendable {
    var terms: SessionTerms
    var hold: SessionHold
}

/// What a session rests on: as long as all of it is so, the worker may wait for the next call.
struct SessionHold: Sendable {
    var process: ProcessID
    var image: String
    var workingDirectory: String
    var tool: ToolID
    var toolName: String
    var needs: [NeededRight]
    var policyName: String
    var policy: CallPolicy
    var grants: [CapabilityGrant]
    var capabilities: [CapabilityID]
    /// The last event of the process by then: a signal after it is a signal to the session too.
    var lastEvent: EventID?
    /// Microseconds from the decision until the first of the capabilities expires.
    var expiresInMicroseconds: Int64?

    /// Events of one process that are looked through at once; with more since the last look nobody knows, and the session ends.
    private static let mostEvents = 1024

    /// Why the session must end; nil when it may go on.
    /// - Parameter seen: the last event of the process that was looked at, `lastEvent` at first.
    func objection(
        _ broker: CapabilityBroker, after seen: inout EventID?, in store: any StoreReading
    ) throws(LibOSError) -> SessionEnd? {
        guard let process = try store.process(process), !process.status.isTerminal else { return .processEnded }
        switch process.status {
        case .paused, .suspended: return .processPaused
        default: break
        }
        if process.image != image { return .processReplaced }
        guard process.toolTable[toolName] == tool else { return .authority }
        if process.workingDirectory != workingDirectory { return .confinement }
        let events = try store.events(for: process.id.text, after: seen, limit: Self.mostEvents)
        if events.count == Self.mostEvents { return .unknownState }
        for event in events where event.target == process.id.text {
            if event.type == .processSignal { return .processSignalled }
            if event.type == .processExec { return .processReplaced }
        }
        seen = events.last?.id ?? seen
        let decision = try broker.authorize(
            AuthorizationRequest(
                subject: process.id, needs: needs, context: ActionContext(tool: toolName), policy: policy.resolved), in: store)
        guard decision.isAllowed, decision.oneShots.isEmpty, decision.capabilities == capabilities, decision.grants == grants else {
            return .authority
        }
        return nil
    }
}

extension ToolBroker {
    /// The claim of an allowed call, in the transaction that decided it. Nil: it gets a sandbox of its own.
    ///
    /// What rests on a yes to this very action, or on a use that is counted, ends with the call, so nobody waits with it.
    func sessionClaim(
        of call: PreparedCall, _ process: AgentProcess, _ needs: [NeededRight], _ decision: AuthorizationDecision,
        in transaction: any StoreTransaction
    ) throws(LibOSError) -> SessionClaim? {
        guard let sessions, let policy = call.policy, let terms = policy.resolved.sessions, terms.covers(call.tool.name),
            let policyName = call.tool.policy
        else { return nil }
        try sessions.check(SessionOwner(process: process.id, tool: call.tool.spec.id), in: transaction)
        guard decision.oneShots.isEmpty, decision.grants.allSatisfy({ $0.answered.isEmpty }) else { return nil }
        var hold = SessionHold(
            process: process.id, image: process.image, workingDirectory: process.workingDirectory, tool: call.tool.spec.id,
            toolName: call.tool.name, needs: needs, policyName: policyName, policy: policy, grants: decision.grants,
            capabilities: decision.capabilities, lastEvent: try transaction.recentEvents(for: process.id.text, limit: 1).last?.id)
        if let end = try transaction.firstExpiry(of: decision.capabilities) {
            hold.expiresInMicroseconds = max(0, end.microseconds - transaction.now.microseconds)
        }
        // Where the action alone decided, the session would not have been allowed.
        var seen = hold.lastEvent
        return try hold.objection(capabilities, after: &seen, in: transaction) == nil ? SessionClaim(terms: terms, hold: hold) : nil
    }
}

extension CapabilityReading {
    /// When the first of these records, or of those that they hang below, expires.
    fileprivate func firstExpiry(of ids: [CapabilityID]) throws(LibOSError) -> Timestamp? {
        var first: Timestamp?
        for id in ids {
            var next: CapabilityID? = id
            // A line of records is bounded where it is made.
            for _ in 0..<64 {
                guard let current = next, let record = try capability(current) else { break }
                if let end = record.expiresAt { first = first.map { min($0, end) } ?? end }
                next = record.parent
            }
        }
        return first
    }
}
