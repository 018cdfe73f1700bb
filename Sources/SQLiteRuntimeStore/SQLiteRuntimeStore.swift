internal import Dispatch
internal import GRDB
package import LibOSModel
internal import Synchronization

/// The runtime's records in one SQLite file (WAL), or in memory.
///
/// One writing body at a time, reading ones beside it, each of those in one snapshot. Bodies run on the queues of the connections; a
/// writing one that finds nobody before it runs where it was asked for, since the way to another thread and back costs as much as a small
/// transaction. No commit waits for the disk: what has to survive a loss of power waits afterwards, apart from threads that others share,
/// and whatever was committed by then is waited for once. A task that is cancelled does not cancel what it has handed over.
package final class SQLiteRuntimeStore: RuntimeStore {
    let database: any DatabaseWriter
    let name: String
    let clock: any RuntimeClock
    let observer: StoreObserver?
    private let decoded = DecodedColumns()
    private let encoded = EncodedValues()
    private let pieces = EncodedPieces()
    private let views = ViewTexts()
    private let requests = RequestTexts()
    let mayWrite: Bool
    let isInMemory: Bool
    /// Nil where there is nothing to wait for.
    let disk: LogSync?
    let checkpoints = LogCheckpoints()
    let state: Mutex<StoreState>

    enum Access {
        case reading, memory
        /// The writer's lock is let go after the file.
        case writing(WriterLock.Held, LogSync)
    }

    init(database: any DatabaseWriter, name: String, clock: any RuntimeClock, access: Access, observer: StoreObserver? = nil) {
        self.database = database
        self.name = name
        self.clock = clock
        self.observer = observer
        if case .reading = access { mayWrite = false } else { mayWrite = true }
        if case .memory = access { isInMemory = true } else { isInMemory = false }
        var state = StoreState()
        if case .writing(let lock, let log) = access { (state.lock, disk) = (lock, log) } else { disk = nil }
        self.state = Mutex(state)
    }

    package func write<Value: Sendable>(
        _ durability: Durability, _ body: @escaping @Sendable (any StoreTransaction) throws(LibOSError) -> Value
    ) async throws(LibOSError) -> Value {
        try refuseWhenClosed()
        if !mayWrite { throw LibOSError(.store, "the store \(name) is open for reading only", mend: "open it for writing") }
        let committed = try await commit(durability, body).get()
        guard let disk else { return committed.value }
        if committed.durability == .power {
            try await disk.wait().get()
            observer?(.onDisk)
        } else {
            disk.soon()
        }
        return committed.value
    }

    private func commit<Value: Sendable>(
        _ durability: Durability, _ body: @escaping @Sendable (any StoreTransaction) throws(LibOSError) -> Value
    ) async -> Result<Committed<Value>, LibOSError> {
        let isAlone = enterQueue()
        defer { leaveQueue() }
        if isAlone { return here(durability, body) }
        return await withCheckedContinuation { continuation in
            database.asyncWriteWithoutTransaction { database in
                continuation.resume(returning: self.commit(durability, on: database, body))
            }
        }
    }

    /// On the caller's thread, whose turn it is.
    func here<Value>(
        _ durability: Durability, _ body: (any StoreTransaction) throws(LibOSError) -> Value
    ) -> Result<Committed<Value>, LibOSError> {
        database.writeWithoutTransaction { database in
            commit(durability, on: database) { (transaction) throws(LibOSError) in try body(transaction) }
        }
    }

    /// Whether nobody is on the writing connection's queue or on the way to it. A thread of the cooperative pool must not wait there
    /// for somebody else's transaction.
    func enterQueue() -> Bool {
        state.withLock { state in
            state.queued += 1
            return state.queued == 1
        }
    }

    func leaveQueue() { state.withLock { $0.queued -= 1 } }

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (any StoreReading) throws(LibOSError) -> Value
    ) async throws(LibOSError) -> Value {
        try refuseWhenClosed()
        if isInMemory { _ = enterQueue() }
        defer { if isInMemory { leaveQueue() } }
        let result: Result<Value, LibOSError> = await withCheckedContinuation { continuation in
            if isInMemory {
                // Its one connection would be made read-only for the moment, and SQLite then prepares every statement anew.
                database.asyncWriteWithoutTransaction { database in
                    continuation.resume(returning: self.look(body, on: .success(database)))
                }
            } else {
                database.asyncRead { database in
                    continuation.resume(returning: self.look(body, on: database))
                }
            }
        }
        return try result.get()
    }

    /// Waits for the bodies that were handed over.
    package func close() async {
        let isFirst = state.withLock { state in
            defer { state.isClosed = true }
            return !state.isClosed
        }
        guard isFirst else { return }
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                self.letGo()
                continuation.resume()
            }
        }
    }

    func refuseWhenClosed() throws(LibOSError) {
        if state.withLock({ $0.isClosed }) { throw LibOSError(.store, "the store \(name) is closed") }
    }

    private func look<Value>(
        _ body: (any StoreReading) throws(LibOSError) -> Value, on database: Result<Database, any Error>
    ) -> Result<Value, LibOSError> {
        switch database {
        case .failure(let error): return .failure(StoreFailure.error(for: error, store: name))
        case .success(let database):
            let transaction = SQLiteTransaction(
                connection: connection(database), now: instant(), head: nil, epoch: state.withLock { $0.authorityEpoch })
            do { return .success(try body(transaction)) } catch { return .failure(error) }
        }
    }

    func connection(_ database: Database) -> StoreConnection {
        StoreConnection(
            database: database, name: name, observer: observer, decoded: decoded, encoded: encoded, pieces: pieces, views: views,
            requests: requests)
    }

    /// The clock's instant, but never one before an instant that was given out.
    func instant() -> Timestamp {
        let now = clock.now()
        return state.withLock { state in
            state.latest = max(state.latest, now)
            return state.latest
        }
    }
}

/// What the store remembers between transactions. All of it can be read from the file again.
struct StoreState: Sendable {
    var isClosed = false
    /// Bodies on the writing connection's queue or on the way to it.
    var queued = 0
    var lock: WriterLock.Held?
    var latest = Timestamp(microseconds: .min)
    /// End of the audit chain after the last commit; nil when it has to be read.
    var head: AuditHead?
    /// Raised when a transaction that changed capability records is undone.
    var authorityEpoch: Int64 = 0
}
