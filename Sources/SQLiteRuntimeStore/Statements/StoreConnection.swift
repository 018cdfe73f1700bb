internal import GRDB
internal import GRDBSQLite
internal import LibOSModel

/// One SQLite connection inside one transaction. Statements come from GRDB's cache; values are bound and read through SQLite's own
/// interface, because GRDB's texts end at the first NUL byte.
struct StoreConnection {
    let database: Database
    /// The file, for messages.
    let name: String
    var observer: StoreObserver?
    var decoded: DecodedColumns?
    var encoded: EncodedValues?
    var pieces: EncodedPieces?
    var views: ViewTexts?
    var requests: RequestTexts?

    /// Of the row that was inserted last.
    var lastSequence: Int64 { sqlite3_last_insert_rowid(database.sqliteConnection) }

    /// Runs a statement that returns no row; answers how many rows it changed.
    @discardableResult
    func run(_ sql: String, _ bind: (inout ParameterBinder) throws(LibOSError) -> Void = { _ in }) throws(LibOSError) -> Int {
        let statement = try prepare(sql, bind)
        defer { release(statement) }
        let code = sqlite3_step(statement)
        guard code == SQLITE_DONE || code == SQLITE_ROW else { throw failure(code, sql) }
        observer?(.afterStatement)
        return Int(sqlite3_changes(database.sqliteConnection))
    }

    /// Every row, decoded.
    func rows<Record: StoredRecord>(
        of type: Record.Type = Record.self, _ clause: String, _ bind: (inout ParameterBinder) throws(LibOSError) -> Void = { _ in }
    ) throws(LibOSError) -> [Record] {
        var records: [Record] = []
        try forEach(Record.table.select + clause, table: Record.table, bind) { (row) throws(LibOSError) in
            records.append(try Record(from: &row))
        }
        return records
    }

    /// The first row, decoded; nil when there is none.
    func row<Record: StoredRecord>(
        of type: Record.Type = Record.self, _ clause: String, _ bind: (inout ParameterBinder) throws(LibOSError) -> Void
    ) throws(LibOSError) -> Record? {
        let statement = try prepare(Record.table.select + clause, bind)
        defer { release(statement) }
        let code = sqlite3_step(statement)
        if code == SQLITE_DONE { return nil }
        guard code == SQLITE_ROW else { throw failure(code, Record.table.select + clause) }
        var row = RowReader(statement: statement, table: Record.table.name, columns: Record.table.readColumns, decoded: decoded)
        return try Record(from: &row)
    }

    /// The first column of the first row as a number; nil when there is no row or a NULL.
    func number(
        _ sql: String, _ bind: (inout ParameterBinder) throws(LibOSError) -> Void = { _ in }
    ) throws(LibOSError) -> Int64? {
        let statement = try prepare(sql, bind)
        defer { release(statement) }
        let code = sqlite3_step(statement)
        if code == SQLITE_DONE { return nil }
        guard code == SQLITE_ROW else { throw failure(code, sql) }
        return sqlite3_column_type(statement, 0) == SQLITE_INTEGER ? sqlite3_column_int64(statement, 0) : nil
    }

    func forEach(
        _ sql: String, table: StoredTable, _ bind: (inout ParameterBinder) throws(LibOSError) -> Void = { _ in },
        _ body: (inout RowReader) throws(LibOSError) -> Void
    ) throws(LibOSError) {
        try forEachWhile(sql, table: table, bind) { (row) throws(LibOSError) in
            try body(&row)
            return true
        }
    }

    /// Ends when the body answers false.
    func forEachWhile(
        _ sql: String, table: StoredTable, _ bind: (inout ParameterBinder) throws(LibOSError) -> Void = { _ in },
        _ body: (inout RowReader) throws(LibOSError) -> Bool
    ) throws(LibOSError) {
        let statement = try prepare(sql, bind)
        defer { release(statement) }
        while true {
            let code = sqlite3_step(statement)
            if code == SQLITE_DONE { return }
            guard code == SQLITE_ROW else { throw failure(code, sql) }
            var row = RowReader(statement: statement, table: table.name, columns: table.readColumns, decoded: decoded)
            if try !body(&row) { return }
        }
    }

    /// SQL that stands in this source and needs no values.
    func execute(_ sql: String) throws(LibOSError) {
        let code = sqlite3_exec(database.sqliteConnection, sql, nil, nil, nil)
        guard code == SQLITE_OK else { throw failure(code, sql) }
    }

    /// Begins or ends a transaction, which every one does: prepared once.
    func control(_ sql: String) throws(LibOSError) {
        let statement = try prepare(sql) { _ in }
        defer { sqlite3_reset(statement) }
        let code = sqlite3_step(statement)
        guard code == SQLITE_DONE else { throw failure(code, sql) }
    }

    private func prepare(
        _ sql: String, _ bind: (inout ParameterBinder) throws(LibOSError) -> Void
    ) throws(LibOSError) -> OpaquePointer {
        let statement: OpaquePointer
        do {
            statement = try database.cachedStatement(sql: sql).sqliteStatement
        } catch {
            throw StoreFailure.error(for: error, store: name)
        }
        var binder = ParameterBinder(statement: statement)
        try bind(&binder)
        assert(binder.count == sqlite3_bind_parameter_count(statement), "every parameter has a value: \(sql)")
        guard binder.code == SQLITE_OK else { throw failure(binder.code, sql) }
        return statement
    }

    /// The cache keeps the statement, but neither its position nor its values.
    private func release(_ statement: OpaquePointer) {
        sqlite3_reset(statement)
        sqlite3_clear_bindings(statement)
    }

    private func failure(_ code: Int32, _ sql: String) -> LibOSError {
        let message = String(cString: sqlite3_errmsg(database.sqliteConnection))
        return StoreFailure.error(code: code, message: message, store: name)
    }
}
