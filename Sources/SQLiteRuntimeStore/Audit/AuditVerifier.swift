internal import GRDB
package import LibOSModel

extension SQLiteRuntimeStore {
    /// Walks through the whole audit in one snapshot and names the first bad record. Memory does not grow with the audit.
    ///
    /// It finds every change that was not made through the chain. Who may write the file can build another chain from any point on:
    /// only a head hash that was noted elsewhere shows that.
    package func verifyAudit() async throws(LibOSError) -> AuditVerification {
        try await read { (reading) throws(LibOSError) in
            guard let transaction = reading as? SQLiteTransaction else { preconditionFailure("the store's own reading") }
            return try AuditVerifier.run(transaction.connection)
        }
    }
}

/// The state of one walk.
private struct AuditVerifier {
    var count: Int64 = 0
    var hash = AuditHead.empty.hash
    var timestamp = Int64.min
    var dropped: Int64 = 0

    static func run(_ connection: StoreConnection) throws(LibOSError) -> AuditVerification {
        var verifier = AuditVerifier()
        var fault: AuditFault?
        try connection.forEachWhile(AuditTable.verifying, table: AuditTable.verifiedColumns) { row in
            fault = verifier.fault(in: &row)
            return fault == nil
        }
        if fault == nil { fault = try verifier.faultAtEnd(connection) }
        return AuditVerification(
            verified: verifier.count, headHash: AuditChain.hexadecimal(verifier.hash), dropped: verifier.dropped,
            fault: fault)
    }

    private mutating func fault(in row: inout RowReader) -> AuditFault? {
        let stored: AuditTable.StoredRow
        do throws(LibOSError) {
            stored = try AuditTable.StoredRow(from: &row)
        } catch {
            return AuditFault(sequence: count + 1, record: nil, kind: .unreadable, reason: error.message)
        }
        let record = stored.row
        func fault(_ kind: AuditFault.Kind, _ reason: String) -> AuditFault {
            AuditFault(sequence: record.sequence, record: record.id, kind: kind, reason: reason)
        }
        let expected = count + 1
        if record.sequence < expected { return fault(.order, "its place in the chain is before record \(expected)") }
        if record.sequence > expected {
            let missing = record.sequence == expected + 1 ? "record \(expected) is" : "records \(expected) to \(record.sequence - 1) are"
            return AuditFault(sequence: expected, record: nil, kind: .gap, reason: "\(missing) missing")
        }
        if stored.previousHash != hash { return fault(.link, "it does not name the hash of the record before it") }
        if AuditChain.digest(record.canonicalBytes, after: AuditChain.hexadecimal(hash).utf8) != stored.hash {
            return fault(.hash, "its fields do not have its hash: it was changed")
        }
        if record.timestamp < timestamp { return fault(.order, "it is older than the record before it") }
        switch stored.content {
        case .none: break
        case .dropped: dropped += 1
        case .kept(let hash):
            if case .content(let named) = record.decision, named != hash {
                return fault(.content, "its decision, kept apart, does not have the hash that it names: it was changed")
            }
        }
        count = record.sequence
        hash = stored.hash
        timestamp = record.timestamp
        return nil
    }

    private func faultAtEnd(_ connection: StoreConnection) throws(LibOSError) -> AuditFault? {
        func fault(_ kind: AuditFault.Kind, at sequence: Int64, _ reason: String) -> AuditFault {
            AuditFault(sequence: sequence, record: nil, kind: kind, reason: reason)
        }
        guard let head = try AuditHead.read(connection) else { return fault(.head, at: count, "the end of the audit is not recorded") }
        if head.count > count { return fault(.missingTail, at: count + 1, "the audit ends before record \(head.count), its last") }
        if head.count < count { return fault(.head, at: head.count + 1, "the audit ended before this record, which was added by hand") }
        if head.hash != hash { return fault(.head, at: count, "the recorded end of the audit names another hash") }
        return nil
    }
}
