internal import CapabilityBroker
internal import CapabilityLanguage
internal import LibOSModel

extension Authority {
    /// Authority that the runtime gives by itself, for what it made.
    func grant(
        _ rights: Set<CapabilityRight>, on resource: Resource, to subject: ProcessID, by part: String, isDelegable: Bool,
        in transaction: any StoreTransaction
    ) throws(LibOSError) -> CapabilityRecord {
        try grant(
            CapabilityTerms(resource: resource, rights: rights, isDelegable: isDelegable), to: subject, by: part, in: transaction)
    }

    /// Authority that an operator gives with a new process.
    func grant(
        _ terms: CapabilityTerms, to subject: ProcessID, by part: String, in transaction: any StoreTransaction
    ) throws(LibOSError) -> CapabilityRecord {
        try broker.grant(terms, to: subject, by: .runtime(part), in: transaction)
    }

    /// What a process takes over from another one, which must be allowed it always and may pass it on. Each record ends with the
    /// one that it comes from.
    func inherit(
        _ need: NeededRight, from giver: ProcessID, to receiver: ProcessID, by part: String, in transaction: any StoreTransaction
    ) throws(LibOSError) -> [CapabilityRecord] {
        try broker.inherit(from: giver, to: receiver, resource: need.resource, rights: need.rights, by: .runtime(part), in: transaction)
    }

    func revoke(_ id: CapabilityID, by part: String, reason: String, in transaction: any StoreTransaction) throws(LibOSError) {
        try broker.revoke(id, by: .runtime(part), reason: reason, in: transaction)
    }
}
