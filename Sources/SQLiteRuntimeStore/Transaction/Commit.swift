internal import GRDB
internal import LibOSModel
internal import Synchronization

/// What a transaction came to. It is in the file; what has to survive a loss of power is good only when the disk has it too.
struct Committed<Value> {
    var value: Value
    var durability: Durability
}

extension Committed: Sendable where Value: Sendable {}

extension SQLiteRuntimeStore {
    /// Runs a body in a transaction of its own, on the writing connection's queue.
    func commit<Value>(
        _ durability: Durability, on database: Database, _ body: (SQLiteTransaction) throws(LibOSError) -> Value
    ) -> Result<Committed<Value>, LibOSError> {
        let connection = connection(database)
        observer?(.beforeTransaction)
        do {
            try connection.control("BEGIN IMMEDIATE")
        } catch {
            return .failure(error)
        }
        let (head, epoch) = state.withLock { ($0.head, $0.authorityEpoch) }
        let transaction = SQLiteTransaction(connection: connection, now: instant(), head: head, epoch: epoch, durability: durability)
        do {
            let value = try body(transaction)
            try transaction.writeHead()
            observer?(.beforeCommit)
            try connection.control("COMMIT")
            observer?(.afterCommit)
            state.withLock { $0.head = transaction.head }
            if checkpoints.begin() { checkpoint() }
            return .success(Committed(value: value, durability: transaction.durability))
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

    /// Behind the transactions that wait already.
    private func checkpoint() {
        _ = enterQueue()
        database.asyncWriteWithoutTransaction { database in
            self.checkpoints.make(on: database)
            self.leaveQueue()
        }
    }
}
