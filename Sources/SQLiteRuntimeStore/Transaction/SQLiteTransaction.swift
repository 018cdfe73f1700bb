internal import GRDB
internal import LibOSModel

/// The store inside one transaction. Lives as long as the body that it is given to, on the connection's own queue.
final class SQLiteTransaction: StoreTransaction {
    let now: Timestamp
    let connection: StoreConnection
    /// End of the audit chain as this transaction sees it; nil until somebody asks.
    var head: AuditHead?
    /// Whether `head` has to be written before the commit.
    var hasAppended = false

    init(connection: StoreConnection, now: Timestamp, head: AuditHead?) {
        self.connection = connection
        self.now = now
        self.head = head
    }
}
