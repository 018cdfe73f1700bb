internal import GRDB
internal import LibOSModel
internal import Synchronization

extension SQLiteRuntimeStore {
    /// Runs a body in a transaction of its own, on the writing connection's queue.
    func commit<Value>(
        _ durability: Durability, on database: Database, _ body: (SQLiteTransaction) throws(LibOSError) -> Value
    ) -> Result<Value, LibOSError> {
        let connection = connection(database)
        observer?(.beforeTransaction)
        do {
            try setDurability(durability, connection)
            try connection.control("BEGIN IMMEDIATE")
        } catch {
            return .failure(error)
        }
        let (head, epoch) = state.withLock { ($0.head, $0.authorityEpoch) }
        let transaction = SQLiteTransaction(connection: connection, now: instant(), head: head, epoch: epoch)
        do {
            let value = try body(transaction)
            try transaction.writeHead()
            observer?(.beforeCommit)
            try connection.control("COMMIT")
            observer?(.afterCommit)
            state.withLock { $0.head = transaction.head }
            return .success(value)
        } catch {
            // A full disk may have rolled back already; then there is nothing to undo.
            if database.isInsideTransaction { try? connection.execute("ROLLBACK") }
            // Read again next time: whatever went wrong, the file knows where the chain ends.
            state.withLock { state in
                state.head = nil
                if transaction.hasChangedAuthority { state.authorityEpoch += 1 }
            }
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
