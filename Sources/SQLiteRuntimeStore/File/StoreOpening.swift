internal import Dispatch
internal import GRDB
package import LibOSModel

extension SQLiteRuntimeStore {
    /// Opens the store in a file for writing, and makes it when there is none.
    package static func open(path: String, clock: any RuntimeClock = SystemClock()) async throws(LibOSError) -> SQLiteRuntimeStore {
        let result: Result<SQLiteRuntimeStore, LibOSError> = await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                continuation.resume(returning: opening(path: path, clock: clock))
            }
        }
        return try result.get()
    }

    /// A store that lives as long as the value. It takes a millisecond of the caller's thread.
    package static func inMemory(clock: any RuntimeClock = SystemClock()) throws(LibOSError) -> SQLiteRuntimeStore {
        let name = "in memory"
        do {
            let store = SQLiteRuntimeStore(database: try DatabaseQueue(configuration: configuration), name: name, clock: clock)
            try StoreSchema.migrator.migrate(store.database)
            return store
        } catch {
            throw StoreFailure.error(for: error, store: name)
        }
    }

    private static func opening(path: String, clock: any RuntimeClock) -> Result<SQLiteRuntimeStore, LibOSError> {
        do {
            let store = SQLiteRuntimeStore(database: try DatabasePool(path: path, configuration: configuration), name: path, clock: clock)
            try StoreSchema.migrator.migrate(store.database)
            return .success(store)
        } catch {
            return .failure(StoreFailure.error(for: error, store: path))
        }
    }

    private static var configuration: Configuration {
        var configuration = Configuration()
        configuration.label = "glovebox.store"
        // Only a checkpoint or somebody's sqlite3 can be in the way; both are short.
        configuration.busyMode = .timeout(5)
        configuration.foreignKeysEnabled = false
        configuration.prepareDatabase { database in
            // The file may come from somebody else: its schema runs nothing of this program's, its cells are checked, and REPLACE fires
            // the triggers that forbid deleting.
            try database.execute(sql: "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA recursive_triggers = ON")
        }
        return configuration
    }
}
