package import LibOSModel
internal import StrictJSON

extension CapabilityBroker {
    /// Adds a record with its event and its audit row, and to what is known of its subject.
    func add(
        _ record: CapabilityRecord, by actor: CapabilityActor, as action: String, extra: KeyValuePairs<String, JSONValue> = [:],
        in transaction: any StoreTransaction
    ) throws(LibOSError) {
        let before = try transaction.capabilityGeneration(of: record.subject)
        try transaction.add(record, by: actor, as: action, extra: extra)
        try cache.note(record, after: before, at: transaction.now, in: transaction)
    }

    /// A record that the subject holds and that is in force; nil for every other one. The resource of a file is the tree that it
    /// stands for.
    package func heldRecord(
        _ id: CapabilityID, of subject: ProcessID, in store: any StoreReading
    ) throws(LibOSError) -> CapabilityRecord? {
        try cache.authority(of: subject, at: store.now, in: store).record(id)
    }
}
