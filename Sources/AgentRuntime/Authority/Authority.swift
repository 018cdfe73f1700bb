package import CapabilityBroker
package import CapabilityLanguage
package import LibOSModel

/// The capability broker as the runtime's own operations use it: ask before, take the use, and hand on no more than was held.
package struct Authority: Sendable {
    package let broker: CapabilityBroker

    package init(broker: CapabilityBroker) { self.broker = broker }

    /// What the records say about an action.
    package enum Standing: Sendable {
        case allowed(AuthorizationDecision)
        /// A person must agree; what to say where nobody can be asked.
        case ask(Denial)
        case denied(Denial)
    }

    /// Decides without taking a use.
    package func standing(
        _ rights: Set<CapabilityRight>, on resource: Resource, for origin: ActionOrigin, in store: any StoreReading
    ) throws(LibOSError) -> Standing {
        let context = ActionContext(tool: origin.tool, actionHash: origin.actionHash)
        let need = NeededRight(resource: resource, rights: rights)
        let decision = try broker.authorize(AuthorizationRequest(subject: origin.process, needs: [need], context: context), in: store)
        switch decision.effect {
        case .allow: return .allowed(decision)
        case .ask:
            return .ask(
                Denial(
                    layer: .capability, rule: decision.selected?.text ?? "no record", reason: decision.reason,
                    suggestion: "let a person agree to this action, or grant it"))
        case .deny:
            return .denied(decision.denial ?? Denial(layer: .capability, rule: "no record", reason: decision.reason))
        }
    }

    func isAllowed(
        _ rights: Set<CapabilityRight>, on resource: Resource, for origin: ActionOrigin, in store: any StoreReading
    ) throws(LibOSError) -> Bool {
        if case .allowed = try standing(rights, on: resource, for: origin, in: store) { true } else { false }
    }

    /// Throws `denied` unless it is allowed now.
    func decide(
        _ rights: Set<CapabilityRight>, on resource: Resource, for origin: ActionOrigin, in store: any StoreReading
    ) throws(LibOSError) -> AuthorizationDecision {
        switch try standing(rights, on: resource, for: origin, in: store) {
        case .allowed(let decision): return decision
        case .ask(let denial), .denied(let denial): throw .denied(denial)
        }
    }

    /// Throws `denied` unless it is allowed now; takes a use of what is good for a number of uses. Returns what it rests on.
    @discardableResult
    package func require(
        _ rights: Set<CapabilityRight>, on resource: Resource, for origin: ActionOrigin, in transaction: any StoreTransaction
    ) throws(LibOSError) -> [CapabilityID] {
        let decision = try decide(rights, on: resource, for: origin, in: transaction)
        try take(decision, for: origin, in: transaction)
        return decision.capabilities
    }

    /// Takes the uses that a decision rests on: now, or with everything else that the action takes at its end.
    func take(
        _ decision: AuthorizationDecision, for origin: ActionOrigin, in transaction: any StoreTransaction
    ) throws(LibOSError) {
        if decision.oneShots.isEmpty { return }
        if let uses = origin.uses { return uses.add(decision) }
        try consume(decision, of: origin.process, in: transaction)
    }

    /// The end of an action that put off its uses: each record that it rested on loses one, however often it was looked at.
    func settle(_ uses: ActionUses, of process: ProcessID, in transaction: any StoreTransaction) throws(LibOSError) {
        if let decision = uses.decision { try consume(decision, of: process, in: transaction) }
    }

    private func consume(
        _ decision: AuthorizationDecision, of process: ProcessID, in transaction: any StoreTransaction
    ) throws(LibOSError) {
        // Decision, use and effect are one transaction: when it fails, nothing was used.
        guard let reservation = try broker.reserve(decision, of: process, in: transaction) else { return }
        try broker.commit(reservation, in: transaction)
    }

    /// One record by which the process holds all of these rights on the resource. Throws `denied` when there is none.
    func record(
        granting rights: Set<CapabilityRight>, on resource: Resource, to origin: ActionOrigin, in store: any StoreReading
    ) throws(LibOSError) -> CapabilityRecord {
        let decision = try decide(rights, on: resource, for: origin, in: store)
        for id in decision.capabilities {
            if let record = try store.capability(id), record.rights.isSuperset(of: rights) { return record }
        }
        let names = CapabilityRight.inOrder(rights).map(\.rawValue).joined(separator: ", ")
        throw .denied(
            Denial(
                layer: .capability, rule: "no single record",
                reason: "no single capability of \(origin.process) gives \(names) on \(resource)",
                suggestion: "ask for fewer rights at once"))
    }

    /// Which rights on an object the process holds now, whoever decides for each.
    func heldRights(
        on object: ObjectID, for origin: ActionOrigin, in store: any StoreReading
    ) throws(LibOSError) -> Set<ObjectRight> {
        var held: Set<ObjectRight> = []
        for right in ObjectRight.allCases
        where try isAllowed([right.asCapabilityRight], on: .object(object), for: origin, in: store) { held.insert(right) }
        return held
    }
}
