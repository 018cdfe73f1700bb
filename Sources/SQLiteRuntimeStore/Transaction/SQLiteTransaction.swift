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
    /// Transactions of this store that changed capability records and were undone before this one.
    let epoch: Int64
    /// Whether undoing this transaction begins another epoch.
    var hasChangedAuthority = false

    init(connection: StoreConnection, now: Timestamp, head: AuditHead?, epoch: Int64) {
        self.connection = connection
        self.now = now
        self.head = head
        self.epoch = epoch
    }
}
