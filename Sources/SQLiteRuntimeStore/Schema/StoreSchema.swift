internal import GRDB

/// The schema as a list of named steps. A step that was released never changes; a new one goes to the end.
enum StoreSchema {
    /// `GLVB`, in the header of every store: SQLite files of other programs are refused.
    static let applicationID: Int32 = 0x474C_5642

    /// In the header too: a store with a larger one was written by a later program and is refused untouched.
    static var version: Int32 { Int32(steps.count) }

    static let steps: [(name: String, sql: String)] = [
        ("runtime records", RuntimeTables.sql),
        ("long values apart", LongValueTables.sql),
        ("shared text of requests", SharedRequestText.sql),
    ]

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        for (index, step) in steps.enumerated() {
            migrator.registerMigration(step.name) { database in
                try database.execute(sql: step.sql)
                try database.execute(sql: "PRAGMA user_version = \(index + 1)")
                try database.execute(sql: "PRAGMA application_id = \(applicationID)")
            }
        }
        return migrator
    }
}
