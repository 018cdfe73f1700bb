internal import GRDB
internal import GRDBSQLite
internal import Synchronization

/// When the log is taken over into the file: apart from the transactions, since that waits for the disk, and a transaction may run on a
/// thread that others share. SQLite itself would do it at the end of whichever transaction made the log long.
final class LogCheckpoints: Sendable {
    private struct State {
        /// Pages of the log after the last commit.
        var pages: Int32 = 0
        /// Pages at which the next one is due.
        var due = LogCheckpoints.longest
        var isUnderWay = false
    }

    /// Pages: sixteen megabytes.
    private static let longest: Int32 = 4000
    private let state = Mutex(State())

    /// Listens to the commits of the writing connection, which must not outlive this.
    func listen(to database: Database) {
        let hook: @convention(c) (UnsafeMutableRawPointer?, OpaquePointer?, UnsafePointer<CChar>?, Int32) -> Int32 = { this, _, _, pages in
            guard let this else { return SQLITE_OK }
            let checkpoints = Unmanaged<LogCheckpoints>.fromOpaque(this).takeUnretainedValue()
            checkpoints.state.withLock { $0.pages = pages }
            return SQLITE_OK
        }
        _ = sqlite3_wal_hook(database.sqliteConnection, hook, Unmanaged.passUnretained(self).toOpaque())
    }

    /// Whether one is to be made now. Whoever is told so makes it.
    func begin() -> Bool {
        state.withLock { state in
            guard !state.isUnderWay, state.pages >= state.due else { return false }
            state.isUnderWay = true
            return true
        }
    }

    /// On the writing connection's queue, between two transactions. What fails or what a reader still needs is left for the next one.
    func make(on database: Database) {
        var (pages, taken): (Int32, Int32) = (0, 0)
        let code = sqlite3_wal_checkpoint_v2(database.sqliteConnection, nil, SQLITE_CHECKPOINT_PASSIVE, &pages, &taken)
        state.withLock { state in
            state.isUnderWay = false
            // The next transaction begins the log anew when all of it was taken over; otherwise not every commit tries again.
            state.due = code == SQLITE_OK && taken == pages ? Self.longest : max(state.pages, Self.longest) + Self.longest / 4
        }
    }
}
