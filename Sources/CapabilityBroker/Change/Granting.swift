package import CapabilityLanguage
package import LibOSModel
internal import StrictJSON

extension CapabilityBroker {
    /// Adds a record as trusted code decided it. Only the terms themselves are checked; a process goes through `issue`.
    @discardableResult
    package func grant(
        _ terms: CapabilityTerms, to subject: ProcessID, by actor: CapabilityActor, in transaction: any StoreTransaction
    ) throws(LibOSError) -> CapabilityRecord {
        try requireTrusted(actor, to: "grant")
        try terms.validate(at: transaction.now)
        let record = terms.record(for: subject, by: actor.text, at: transaction.now)
        try add(record, by: actor, as: "capability.grant", in: transaction)
        return record
    }

    /// Adds a record with one of the policies that people choose among. Older records stay: a deny among them still dominates, and
    /// otherwise the narrowest and newest decides.
    @discardableResult
    package func setPermissionPolicy(
        _ policy: PermissionPolicy, on resource: Resource, rights: Set<CapabilityRight>, for subject: ProcessID,
        expiresAt: Timestamp? = nil, by actor: CapabilityActor, in transaction: any StoreTransaction
    ) throws(LibOSError) -> CapabilityRecord {
        try requireTrusted(actor, to: "set a permission policy")
        let terms = CapabilityTerms(
            resource: resource, rights: rights, effect: policy.effect, expiresAt: expiresAt, uses: policy.uses)
        try terms.validate(at: transaction.now)
        let record = terms.record(for: subject, by: actor.text, at: transaction.now)
        try add(record, by: actor, as: "capability.permission_policy", extra: ["policy": .string(policy.rawValue)], in: transaction)
        return record
    }

    func requireTrusted(_ actor: CapabilityActor, to act: String) throws(LibOSError) {
        try actor.validate()
        guard let process = actor.process else { return }
        throw .denied(
            Denial(
                layer: .capability, rule: "trusted code only",
                reason: "process \(process) cannot \(act) by itself; it may issue or delegate"))
    }
}
