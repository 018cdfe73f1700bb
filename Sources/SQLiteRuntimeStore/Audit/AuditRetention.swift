package import LibOSModel

extension SQLiteRuntimeStore {
    /// Drops the large decisions that only records before this instant name; answers how many. The records stay, and so does the
    /// chain: each still names the hash of what was dropped.
    @discardableResult
    package func dropAuditContent(before instant: Timestamp) async throws(LibOSError) -> Int {
        try await write { (transaction) throws(LibOSError) in
            guard let transaction = transaction as? SQLiteTransaction else { preconditionFailure("the store's own transaction") }
            return try transaction.connection.run(
                """
                DELETE FROM content WHERE NOT EXISTS
                    (SELECT 1 FROM audit WHERE audit.decision_sha256 = content.sha256 AND audit.timestamp >= ?1)
                """
            ) { $0.bind(instant) }
        }
    }
}
