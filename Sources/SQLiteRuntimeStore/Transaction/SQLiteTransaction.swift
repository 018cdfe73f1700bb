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
    /// Processes as this transaction has read them, until it writes them. Nobody else writes while it lasts.
    var processes: [ProcessID: AgentProcess] = [:]
    /// Views as they are stored, of the processes that this transaction has met.
    var views: [ProcessID: MemoryView?] = [:]
    /// Generations of subjects, until a capability record is written.
    var generations: [ProcessID: Int64] = [:]
    /// Transactions of this store that changed capability records and were undone before this one.
    let epoch: Int64
    /// Whether undoing this transaction begins another epoch.
    var hasChangedAuthority = false
    /// What its commit has to survive.
    private(set) var durability: Durability

    init(connection: StoreConnection, now: Timestamp, head: AuditHead?, epoch: Int64, durability: Durability = .process) {
        self.connection = connection
        self.now = now
        self.head = head
        self.epoch = epoch
        self.durability = durability
    }

    func demand(_ durability: Durability) {
        if durability == .power { self.durability = .power }
    }
}
