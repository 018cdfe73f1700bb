internal import CapabilityLanguage
package import LibOSModel
internal import StrictJSON

extension CapabilityBroker {
    /// A process gives another one authority by right of its own: `admin` on the resource for anything, or `grant` together with
    /// every right that it passes on, for allows only. Rights that rest on different records become different records, each of
    /// which falls with the one that it rests on.
    @discardableResult
    package func issue(
        _ terms: CapabilityTerms, to subject: ProcessID, by actor: ProcessID, in transaction: any StoreTransaction
    ) throws(LibOSError) -> [CapabilityRecord] {
        var terms = terms
        terms.resource = terms.resource.asGranted
        try terms.validate(at: transaction.now)
        try requireLiving(subject, in: transaction)
        let transfer = try transfer(from: actor, in: transaction)
        let records = try issued(terms, to: subject, by: transfer, at: transaction.now)
        for record in records {
            try add(
                record, by: .process(actor), as: "capability.issue", extra: ["issuer_cap_id": .optional(record.parent?.text)],
                in: transaction)
        }
        return records
    }

    private func issued(
        _ terms: CapabilityTerms, to subject: ProcessID, by transfer: Transfer, at now: Timestamp
    ) throws(LibOSError) -> [CapabilityRecord] {
        let refuses = { (record: CapabilityRecord) in record.staysWithHolder(under: terms.constraints, mustBeDelegable: false) }
        let admin: CapabilityRecord?
        do {
            admin = try transfer.basis(.admin, on: terms.resource, refuses: refuses)
        } catch {
            guard terms.effect == .allow else {
                throw transfer.refusal(
                    "only `admin` on \(terms.resource) makes a record that denies or asks: \(error.message)",
                    error.denial?.rule ?? "no record")
            }
            admin = nil
        }
        if let admin {
            if terms.effect == .allow {
                for right in CapabilityRight.inOrder(terms.rights) { try transfer.requireUnrestricted(right, on: terms.resource) }
            }
            let bounded = try terms.bounded(by: admin)
            // A restriction must not vanish when its issuer loses authority: it hangs below nothing.
            return [bounded.record(for: subject, by: transfer.holder.text, at: now, below: terms.effect == .allow ? admin : nil)]
        }
        let granting = try transfer.basis(.grant, on: terms.resource, refuses: refuses)
        var parts: [(parent: CapabilityRecord, rights: Set<CapabilityRight>)] = []
        for right in CapabilityRight.inOrder(terms.rights) {
            let parent = try transfer.basis(right, on: terms.resource, refuses: refuses)
            if let at = parts.firstIndex(where: { $0.parent.id == parent.id }) {
                parts[at].rights.insert(right)
            } else {
                parts.append((parent, [right]))
            }
        }
        var records: [CapabilityRecord] = []
        for part in parts {
            var own = try terms.bounded(by: granting).bounded(by: part.parent)
            own.rights = part.rights
            if own.isDelegable, !part.parent.isDelegable {
                throw transfer.refusal("\(part.parent.id) is not delegable, so neither is what is issued of it", part.parent.id.text)
            }
            records.append(own.record(for: subject, by: transfer.holder.text, at: now, below: part.parent))
        }
        return records
    }
}
