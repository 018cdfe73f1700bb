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
    let insert: String
    let update: String
    let put: String
    let select: String

    init(_ name: String, _ columns: [String]) {
        self.name = name
        self.columns = columns
        let list = columns.joined(separator: ", ")
        let marks = columns.indices.map { "?\($0 + 1)" }.joined(separator: ", ")
        let assignments = columns.indices.dropFirst().map { "\(columns[$0]) = ?\($0 + 1)" }.joined(separator: ", ")
        insert = "INSERT INTO \(name) (\(list)) VALUES (\(marks))"
        update = "UPDATE \(name) SET \(assignments) WHERE \(columns[0]) = ?1"
        put = insert + " ON CONFLICT (\(columns[0])) DO UPDATE SET \(assignments)"
        select = "SELECT \(columns.map { "\(name).\($0)" }.joined(separator: ", ")) FROM \(name) "
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
