package import CapabilityLanguage
package import LibOSModel
internal import StrictJSON

/// What is taken from a record. nil leaves it as it is.
package struct Attenuation: Sendable, Hashable {
    package var resource: Resource?
    package var rights: Set<CapabilityRight>?
    package var constraints: CapabilityConstraints?
    package var expiresAt: Timestamp?
    package var uses: Int64?
    package var isDelegable: Bool?
    package var maxDelegationDepth: Int64?

    package init(
        resource: Resource? = nil, rights: Set<CapabilityRight>? = nil, constraints: CapabilityConstraints? = nil,
        expiresAt: Timestamp? = nil, uses: Int64? = nil, isDelegable: Bool? = nil, maxDelegationDepth: Int64? = nil
    ) {
        self.resource = resource
        self.rights = rights
        self.constraints = constraints
        self.expiresAt = expiresAt
        self.uses = uses
        self.isDelegable = isDelegable
        self.maxDelegationDepth = maxDelegationDepth
    }
}

extension CapabilityBroker {
    /// Makes an allow smaller, for good. What hangs below it and does not fit any more falls.
    ///
    /// Who may: trusted code, its issuer, and its holder when the record restricts nothing. A narrower record decides before wider
    /// ones, so a process may narrow only to a place where the holder is allowed already, under no more conditions.
    @discardableResult
    package func attenuate(
        _ id: CapabilityID, _ change: Attenuation, by actor: CapabilityActor, in transaction: any StoreTransaction
    ) throws(LibOSError) -> CapabilityRecord {
        try actor.validate()
        guard let record = try transaction.capability(id) else { throw .notFound("capability \(id)") }
        let narrow = try record.attenuated(change, at: transaction.now)
        if let process = actor.process {
            let isOwn = record.subject == process || haveSameBytes(record.issuedBy, actor.text)
            guard isOwn, record.mayBeGivenUp else {
                throw .denied(Denial(layer: .capability, rule: id.text, reason: "\(actor.text) may not narrow \(id)"))
            }
            let transfer = try transfer(from: record.subject, in: transaction)
            for right in CapabilityRight.inOrder(narrow.rights) where narrow.resource != record.resource {
                try transfer.requireClear(right, on: narrow.resource, above: id) { other in
                    other.id == id ? nil : other.constraints.firstLost(in: narrow.constraints).map { "demands the constraint `\($0)`" }
                }
            }
        }
        let fallen = try unfit(below: narrow, in: transaction)
        try transaction.update(narrow)
        try transaction.announce(.capabilityGranted, narrow, by: actor.text, extra: [:])
        try transaction.audit("capability.attenuate", narrow, by: actor.text, extra: [:])
        _ = try disable(fallen, because: "\(id) was narrowed", by: actor, in: transaction)
        return narrow
    }

    /// Descendants that hold more than the narrowed record, with everything below them.
    private func unfit(below parent: CapabilityRecord, in transaction: any StoreReading) throws(LibOSError) -> [CapabilityRecord] {
        var fallen: [CapabilityRecord] = []
        for child in try transaction.capabilities(delegatedFrom: parent.id) where !child.fits(below: parent) {
            if child.status == .active, !fallen.contains(where: { $0.id == child.id }) { fallen.append(child) }
            let below = try descendants(of: child.id, in: transaction)
            fallen += below.filter { record in record.id != parent.id && !fallen.contains { $0.id == record.id } }
        }
        return fallen
    }
}

extension CapabilityRecord {
    fileprivate func attenuated(_ change: Attenuation, at now: Timestamp) throws(LibOSError) -> CapabilityRecord {
        func refuse(_ reason: String) -> LibOSError {
            .denied(Denial(layer: .capability, rule: id.text, reason: "\(id) cannot be narrowed so: \(reason)"))
        }
        guard effect == .allow else { throw refuse("less of a record that \(effect.rawValue)s would be more authority") }
        guard isActive(at: now) else { throw refuse("it is not in force any more") }
        guard reservations.isEmpty else { throw refuse("one of its uses is under way") }
        var narrow = self
        if let resource = change.resource?.asGranted {
            guard self.resource.covers(resource) else { throw refuse("it does not cover \(resource)") }
            narrow.resource = resource
        }
        if let rights = change.rights {
            guard rights.isSubset(of: self.rights), !rights.isEmpty else { throw refuse("its rights are others, or none would be left") }
            narrow.rights = rights
        }
        if let constraints = change.constraints {
            if let lost = self.constraints.firstLost(in: constraints) { throw refuse("the constraint `\(lost)` must stay as it is") }
            guard constraints.unknown.isEmpty else { throw refuse("a constraint is not known") }
            narrow.constraints = constraints
        }
        if let end = change.expiresAt {
            guard end <= expiresAt ?? end, end > now else { throw refuse("its end would not come sooner, or has passed") }
            narrow.expiresAt = end
        }
        if let uses = change.uses {
            guard uses >= 1, uses <= usesRemaining ?? uses else { throw refuse("that is no smaller number of uses") }
            narrow.usesRemaining = uses
        }
        if let isDelegable = change.isDelegable {
            guard self.isDelegable || !isDelegable else { throw refuse("it is not delegable") }
            narrow.isDelegable = isDelegable
        }
        if let depth = change.maxDelegationDepth {
            guard depth >= 0, depth <= maxDelegationDepth ?? depth else { throw refuse("that is no smaller depth of delegation") }
            narrow.maxDelegationDepth = depth
        }
        return narrow
    }

    fileprivate func fits(below parent: CapabilityRecord) -> Bool {
        guard parent.usesRemaining == nil, parent.resource.covers(resource), rights.isSubset(of: parent.rights) else { return false }
        if let end = parent.expiresAt, expiresAt.map({ $0 > end }) ?? true { return false }
        if let left = parent.maxDelegationDepth, left < 1 || maxDelegationDepth.map({ $0 > left - 1 }) ?? true { return false }
        return parent.constraints.firstLost(in: constraints) == nil
    }
}
