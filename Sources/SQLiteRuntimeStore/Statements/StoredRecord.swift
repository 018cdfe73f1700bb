internal import LibOSModel

/// A record with a table of its own. The columns are bound and read in one and the same order.
protocol StoredRecord {
    static var table: StoredTable { get }
    func bind(into values: inout ParameterBinder) throws(LibOSError)
    init(from row: inout RowReader) throws(LibOSError)
}

/// A column of another table that belongs to a record.
struct Apart: Sendable {
    let table: String
    let name: String
    /// How it is read, where that is more than its name.
    var sql: String

    init(_ table: String, _ name: String, sql: String? = nil) {
        self.table = table
        self.name = name
        self.sql = sql ?? "\(table).\(name)"
    }
}

/// A table and the statements that every one has. The first column is the key.
struct StoredTable: Sendable {
    let name: String
    let columns: [String]
    /// What other tables have of the record.
    let apart: [Apart]
    /// What a row of `select` holds: the columns, and then those that are kept apart.
    let readColumns: [String]
    let insert: String
    let update: String
    /// As `update`, for a row whose `standing` columns stay as they are; changes nothing when one does not. SQLite writes every index of
    /// a column that a statement sets, also when it sets what was there.
    let advance: String?
    let put: String
    let select: String

    /// - Parameters:
    ///   - apart: Columns of other tables: long ones, which a change of the row would otherwise write anew.
    ///   - join: How those tables hang on this one.
    ///   - standing: Columns that most changes of a row leave as they are, none of them the last one.
    init(_ name: String, _ columns: [String], standing: Set<String> = [], apart: [Apart] = [], join: String = "") {
        self.name = name
        self.columns = columns
        self.apart = apart
        readColumns = columns + apart.map(\.name)
        let list = columns.joined(separator: ", ")
        let marks = columns.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
        let assignments = columns.indices.dropFirst().map { "\(columns[$0]) = ?\($0 + 1)" }.joined(separator: ", ")
        insert = "INSERT INTO \(name) (\(list)) VALUES (\(marks))"
        update = "UPDATE \(name) SET \(assignments) WHERE \(columns[0]) = ?1"
        let moving = columns.indices.dropFirst().filter { !standing.contains(columns[$0]) }
        let same = columns.indices.filter { standing.contains(columns[$0]) }.map { " AND \(columns[$0]) IS ?\($0 + 1)" }.joined()
        advance =
            standing.isEmpty
            ? nil
            : "UPDATE \(name) SET \(moving.map { "\(columns[$0]) = ?\($0 + 1)" }.joined(separator: ", ")) WHERE \(columns[0]) = ?1\(same)"
        put = insert + " ON CONFLICT (\(columns[0])) DO UPDATE SET \(assignments)"
        select = "SELECT \((columns.map { "\(name).\($0)" } + apart.map(\.sql)).joined(separator: ", ")) FROM \(name) \(join) "
    }
}

extension StoreConnection {
    func insert<Record: StoredRecord>(_ record: Record) throws(LibOSError) {
        try run(Record.table.insert) { (values) throws(LibOSError) in try record.bind(into: &values) }
    }

    func put<Record: StoredRecord>(_ record: Record) throws(LibOSError) {
        try run(Record.table.put) { (values) throws(LibOSError) in try record.bind(into: &values) }
    }

    /// Throws `notFound` when there is no such row.
    func update<Record: StoredRecord>(_ record: Record, called id: String) throws(LibOSError) {
        try update(Record.table, called: id) { (values) throws(LibOSError) in try record.bind(into: &values) }
    }

    /// Throws `notFound` when there is no such row.
    func update(
        _ table: StoredTable, called id: String, _ bind: (inout ParameterBinder) throws(LibOSError) -> Void
    ) throws(LibOSError) {
        if let advance = table.advance, try run(advance, bind) > 0 { return }
        if try run(table.update, bind) == 0 { throw .notFound("\(table.name) \(id)") }
    }
}
