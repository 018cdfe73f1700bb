internal import GRDB
internal import LibOSModel

/// What the header of the file says, looked at before anything is changed.
enum StoreIdentity {
    /// Whether the file is empty or a store that this version knows. Throws one clear line for everything else.
    static func check(_ database: Database, store: String, isReading: Bool) throws(LibOSError) {
        let connection = StoreConnection(database: database, name: store)
        let application = try connection.number("PRAGMA application_id") ?? 0
        let version = try connection.number("PRAGMA user_version") ?? 0
        if application != Int64(StoreSchema.applicationID) {
            let tables = try connection.number("SELECT count(*) FROM sqlite_schema") ?? 0
            guard application == 0, version == 0, tables == 0 else {
                throw LibOSError(.store, "\(store) is an SQLite file, but no store of Glovebox", mend: "name another file")
            }
            if isReading { throw LibOSError(.notFound, "the store \(store) is empty", mend: "open it for writing once") }
            return
        }
        let known = Int64(StoreSchema.version)
        if version > known {
            throw LibOSError(
                .store, "the store \(store) has version \(version), and this program knows up to \(known)",
                mend: "use the newer Glovebox that wrote it; nothing was changed")
        }
        if isReading, version < known {
            throw LibOSError(
                .store, "the store \(store) has the older version \(version); this program reads \(known)",
                mend: "open it for writing once, which brings it up to date")
        }
    }
}
