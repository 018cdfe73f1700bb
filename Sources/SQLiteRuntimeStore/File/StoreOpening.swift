internal import Dispatch
internal import GRDB
package import LibOSModel
internal import LinuxPrimitives

extension SQLiteRuntimeStore {
    /// Opens the store in a file for writing, makes it when there is none, and closes what a crash has left open.
    ///
    /// Throws `store` when another program writes to it, when it is not the user's alone, when it is damaged, newer, or no store.
    /// - Parameter patience: milliseconds to wait for another program that writes to it; 0 does not wait.
    package static func open(
        path: String, clock: any RuntimeClock = SystemClock(), observer: StoreObserver? = nil, patience: UInt64 = 0
    ) async throws(LibOSError) -> SQLiteRuntimeStore {
        try await onThread { () throws(LibOSError) in
            try opening(path: path, clock: clock, observer: observer, patience: patience)
        }
    }

    /// Opens an existing store for reading, beside the program that writes to it.
    package static func openReadOnly(
        path: String, clock: any RuntimeClock = SystemClock()
    ) async throws(LibOSError) -> SQLiteRuntimeStore {
        try await onThread { () throws(LibOSError) in
            _ = try StoreFile(path: path, for: .reading)
            do {
                var configuration = configuration(name: path, isReading: true)
                configuration.readonly = true
                return SQLiteRuntimeStore(
                    database: try DatabaseQueue(path: path, configuration: configuration), name: path, clock: clock, access: .reading)
            } catch {
                throw StoreFailure.error(for: error, store: path)
            }
        }
    }

    /// A store that lives as long as the value. It takes a millisecond of the caller's thread.
    package static func inMemory(clock: any RuntimeClock = SystemClock()) throws(LibOSError) -> SQLiteRuntimeStore {
        let name = "in memory"
        do {
            let database = try DatabaseQueue(configuration: configuration(name: name, isReading: false))
            let store = SQLiteRuntimeStore(database: database, name: name, clock: clock, access: .memory)
            try store.prepare()
            return store
        } catch {
            throw StoreFailure.error(for: error, store: name)
        }
    }

    static func opening(
        path: String, clock: any RuntimeClock, observer: StoreObserver?, patience: UInt64
    ) throws(LibOSError) -> SQLiteRuntimeStore {
        let file = try StoreFile(path: path, for: .writing)
        let lock = try file.lock(patience: patience)
        do {
            let database = try DatabasePool(
                path: LogFileSystem.location(of: path), configuration: configuration(name: path, isReading: false))
            // The pool has met the file, so its log is there.
            let log = try file.log()
            let store = SQLiteRuntimeStore(
                database: database, name: path, clock: clock, access: .writing(WriterLock.Held(lock), log), observer: observer)
            database.writeWithoutTransaction { store.checkpoints.listen(to: $0) }
            try store.prepare()
            return store
        } catch {
            throw StoreFailure.error(for: error, store: path)
        }
    }

    private static func configuration(name: String, isReading: Bool) -> Configuration {
        var configuration = Configuration()
        configuration.label = "glovebox.store"
        // Only a checkpoint or somebody's sqlite3 can be in the way; both are short.
        configuration.busyMode = .timeout(5)
        configuration.foreignKeysEnabled = false
        configuration.prepareDatabase { database in
            try StoreIdentity.check(database, store: name, isReading: isReading)
            // The file may come from somebody else: its schema runs nothing of this program's, its cells are checked, and REPLACE fires
            // the triggers that forbid deleting.
            try database.execute(sql: "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA recursive_triggers = ON")
            // Commits do not wait for the disk; who has to does so afterwards. Checkpoints wait as before.
            if !isReading { try database.execute(sql: "PRAGMA synchronous = NORMAL") }
            // Checkpoints are made apart. Indexes of random ids are met all over, so more of them stay at hand.
            if !isReading { try database.execute(sql: "PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -8000") }
        }
        return configuration
    }

    /// Opening reads and waits for the disk: not on the cooperative pool.
    private static func onThread<Value: Sendable>(
        _ body: @escaping @Sendable () throws(LibOSError) -> Value
    ) async throws(LibOSError) -> Value {
        let result: Result<Value, LibOSError> = await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                do throws(LibOSError) { continuation.resume(returning: .success(try body())) } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }
}
