package import CapabilityLanguage
package import LibOSModel
internal import StrictJSON

extension CapabilityBroker {
    /// A process hands a part of one of its own records to another process. The child has at most what the parent has: place, rights,
    /// time and depth, under the same constraints; and it falls with the parent.
    @discardableResult
    package func delegate(
        _ id: CapabilityID, _ terms: CapabilityTerms, to subject: ProcessID, by actor: ProcessID, in transaction: any StoreTransaction
    ) throws(LibOSError) -> CapabilityRecord {
        var terms = terms
        terms.resource = terms.resource.asGranted
        try terms.validate(at: transaction.now)
        // Whether a record of somebody else exists is none of the actor's business: one answer for both.
        guard let parent = try transaction.capability(id), parent.subject == actor else {
            throw .notFound("capability \(id) of process \(actor)")
        }
        func refuse(_ reason: String) -> LibOSError {
            .denied(Denial(layer: .capability, rule: id.text, reason: "\(id) cannot be delegated: \(reason)"))
        }
        guard terms.effect == .allow, parent.effect == .allow else { throw refuse("only an allow is handed on") }
        guard try Lineage(of: parent, at: transaction.now, in: transaction).holds else { throw refuse("it is not in force any more") }
        guard parent.isDelegable else { throw refuse("it is not delegable") }
        guard parent.resource.covers(terms.resource) else { throw refuse("it does not cover \(terms.resource)") }
        if let missing = terms.rights.subtracting(parent.rights).min() { throw refuse("it has no right `\(missing.rawValue)`") }
        let bounded = try terms.bounded(by: parent)
        try requireLiving(subject, in: transaction)
        let transfer = try transfer(from: actor, in: transaction)
        for right in CapabilityRight.inOrder(terms.rights) {
            try transfer.requireClear(right, on: terms.resource, above: id) { record in
                record.staysWithHolder(under: bounded.constraints, mustBeDelegable: true)
            }
        }
        let record = bounded.record(for: subject, by: actor.text, at: transaction.now, below: parent)
        try add(record, by: .process(actor), as: "capability.delegate", in: transaction)
        return record
    }

    /// Gives a child what its parent may do without any condition. Rights that ask, are counted, denied, constrained or not delegable
    /// do not pass, and one of them refuses the whole. One record for each of the parent's records that the rights rest on.
    /// - Parameter actor: the part of the runtime that makes the child.
    @discardableResult
    package func inherit(
        from parent: ProcessID, to child: ProcessID, resource: Resource, rights: Set<CapabilityRight>, by actor: CapabilityActor,
        in transaction: any StoreTransaction
    ) throws(LibOSError) -> [CapabilityRecord] {
        try requireTrusted(actor, to: "let a child inherit")
        let terms = CapabilityTerms(resource: resource.asGranted, rights: rights, isDelegable: true)
        try terms.validate(at: transaction.now)
        let transfer = try transfer(from: parent, in: transaction)
        var parts: [(source: CapabilityRecord, rights: Set<CapabilityRight>)] = []
        for right in CapabilityRight.inOrder(rights) {
            let source = try transfer.basis(right, on: terms.resource) { record in
                record.staysWithHolder(under: terms.constraints, mustBeDelegable: true)
            }
            if let at = parts.firstIndex(where: { $0.source.id == source.id }) {
                parts[at].rights.insert(right)
            } else {
                parts.append((source, [right]))
            }
        }
        var records: [CapabilityRecord] = []
        for part in parts {
            var own = try terms.bounded(by: part.source)
            own.rights = part.rights
            records.append(own.record(for: child, by: actor.text, at: transaction.now, below: part.source))
        }
        for record in records {
            try add(record, by: actor, as: "capability.inherit", extra: ["inherited_from": .string(parent.text)], in: transaction)
        }
        return records
    }
}
