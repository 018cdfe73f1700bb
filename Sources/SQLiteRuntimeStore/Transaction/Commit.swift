internal import GRDB
internal import LibOSModel
internal import Synchronization

extension SQLiteRuntimeStore {
    /// Runs a body in a transaction of its own, on the writing connection's queue.
    func commit<Value>(
        _ durability: Durability, _ body: (any StoreTransaction) throws(LibOSError) -> Value, on database: Database
    ) -> Result<Value, LibOSError> {
        let connection = StoreConnection(database: database, name: name)
        do {
            try setDurability(durability, connection)
            try connection.execute("BEGIN IMMEDIATE")
        } catch {
            return .failure(error)
        }
        let (head, epoch) = state.withLock { ($0.head, $0.authorityEpoch) }
        let transaction = SQLiteTransaction(connection: connection, now: instant(), head: head, epoch: epoch)
        do {
            let value = try body(transaction)
            try transaction.writeHead()
            try connection.execute("COMMIT")
            state.withLock { $0.head = transaction.head }
            return .success(value)
        } catch {
            // A full disk may have rolled back already; then there is nothing to undo.
            if database.isInsideTransaction { try? connection.execute("ROLLBACK") }
            if transaction.hasChangedAuthority { state.withLock { $0.authorityEpoch += 1 } }
            return .failure(error)
        }
    }

    /// In WAL mode SQLite waits for the disk at each commit with FULL, and with NORMAL only before a checkpoint.
    private func setDurability(_ durability: Durability, _ connection: StoreConnection) throws(LibOSError) {
        let isDurable = durability == .power
        guard state.withLock({ $0.isDurable }) != isDurable else { return }
        try connection.execute(isDurable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL")
        state.withLock { $0.isDurable = isDurable }
    }
}
