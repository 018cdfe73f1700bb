internal import LibOSModel

/// A record with a table of its own. The columns are bound and read in one and the same order.
protocol StoredRecord {
    static var table: StoredTable { get }
    func bind(into values: inout ParameterBinder) throws(LibOSError)
    init(from row: inout RowReader) throws(LibOSError)
}

/// A table and the statements that every one has. The first column is the key.
struct StoredTable: Sendable {
    let name: String
    let columns: [String]
    /// Columns of other tables, `table.column`, that belong to the record.
    let apart: [String]
    /// What a row of `select` holds: the columns, and then those that are kept apart.
    let readColumns: [String]
    let insert: String
    let update: String
    let put: String
    let select: String

    /// - Parameters:
    ///   - apart: Columns of other tables, `table.column`: long ones, which a change of the row would otherwise write anew.
    ///   - join: How those tables hang on this one.
    init(_ name: String, _ columns: [String], apart: [String] = [], join: String = "") {
        self.name = name
        self.columns = columns
        self.apart = apart
        readColumns = columns + apart.map { String($0.drop { $0 != "." }.dropFirst()) }
        let list = columns.joined(separator: ", ")
        let marks = columns.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
        let assignments = columns.indices.dropFirst().map { "\(columns[$0]) = ?\($0 + 1)" }.joined(separator: ", ")
        insert = "INSERT INTO \(name) (\(list)) VALUES (\(marks))"
        update = "UPDATE \(name) SET \(assignments) WHERE \(columns[0]) = ?1"
        put = insert + " ON CONFLICT (\(columns[0])) DO UPDATE SET \(assignments)"
        select = "SELECT \((columns.map { "\(name).\($0)" } + apart).joined(separator: ", ")) FROM \(name) \(join) "
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
        let changed = try run(Record.table.update) { (values) throws(LibOSError) in try record.bind(into: &values) }
        if changed == 0 { throw .notFound("\(Record.table.name) \(id)") }
    }
}
