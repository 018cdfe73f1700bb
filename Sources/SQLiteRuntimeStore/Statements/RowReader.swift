internal import GRDBSQLite
internal import LibOSModel
internal import StrictJSON

/// Reads the columns of one row from left to right. The file may be damaged or forged: everything is checked, and an error names the
/// row and the column.
struct RowReader {
    let statement: OpaquePointer
    let table: String
    let columns: [String]
    private let decoded: DecodedColumns?
    private(set) var index: Int32 = 0

    init(statement: OpaquePointer, table: String, columns: [String], decoded: DecodedColumns? = nil) {
        self.statement = statement
        self.table = table
        self.columns = columns
        self.decoded = decoded
    }

    mutating func text() throws(LibOSError) -> String {
        guard let text = try optionalText() else { throw bad("is NULL") }
        return text
    }

    mutating func optionalText() throws(LibOSError) -> String? {
        let at = advance()
        switch sqlite3_column_type(statement, at) {
        case SQLITE_NULL: return nil
        case SQLITE_TEXT:
            guard let text = withBytes(of: at, { String(validating: $0, as: UTF8.self) }) else { throw bad("is not UTF-8") }
            return text
        default: throw bad("is not text")
        }
    }

    mutating func integer() throws(LibOSError) -> Int64 {
        guard let number = try optionalInteger() else { throw bad("is NULL") }
        return number
    }

    mutating func optionalInteger() throws(LibOSError) -> Int64? {
        let at = advance()
        switch sqlite3_column_type(statement, at) {
        case SQLITE_NULL: return nil
        case SQLITE_INTEGER: return sqlite3_column_int64(statement, at)
        default: throw bad("is not a whole number")
        }
    }

    /// Exactly `count` bytes.
    mutating func blob(count: Int) throws(LibOSError) -> [UInt8] {
        guard let bytes = try optionalBlob(count: count) else { throw bad("is NULL") }
        return bytes
    }

    mutating func optionalBlob(count: Int) throws(LibOSError) -> [UInt8]? {
        let at = advance()
        switch sqlite3_column_type(statement, at) {
        case SQLITE_NULL: return nil
        case SQLITE_BLOB: break
        default: throw bad("is no blob")
        }
        let bytes = withBytes(of: at) { Array($0) }
        guard bytes.count == count else { throw bad("has \(bytes.count) bytes instead of \(count)") }
        return bytes
    }

    /// SHA-256 of a blob of any size, which is not copied.
    mutating func optionalBlobHash() throws(LibOSError) -> [UInt8]? {
        let at = advance()
        switch sqlite3_column_type(statement, at) {
        case SQLITE_NULL: return nil
        case SQLITE_BLOB: return withBytes(of: at) { AuditChain.sha256(UnsafeRawBufferPointer($0)) }
        default: throw bad("is no blob")
        }
    }

    mutating func json() throws(LibOSError) -> JSONValue {
        guard let value = try optionalJSON() else { throw bad("is NULL") }
        return value
    }

    mutating func optionalJSON() throws(LibOSError) -> JSONValue? { try optionalJSON(keptAs: SQLITE_TEXT) }

    /// JSON that is kept as a blob.
    mutating func optionalContentJSON() throws(LibOSError) -> JSONValue? { try optionalJSON(keptAs: SQLITE_BLOB) }

    /// As `optionalJSON`, for a part of a record that is long and seldom changes: the same bytes are decoded once.
    mutating func optionalLongJSON<Value: Sendable>(
        _ decode: (JSONValue) throws(JSONShapeError) -> Value
    ) throws(LibOSError) -> Value? {
        let at = index
        guard let decoded, sqlite3_column_type(statement, at) == SQLITE_TEXT,
            sqlite3_column_bytes(statement, at) >= DecodedColumns.shortest, let key = sqlite3_column_text(statement, 0)
        else { return try optionalJSON(decode) }
        let place = Self.place(table, columns[Int(at)], key: String(cString: key))
        if let known = withBytes(of: at, { decoded.value(of: Value.self, at: place, for: $0) }) {
            _ = advance()
            return known
        }
        guard let value = try optionalJSON(decode) else { return nil }
        decoded.keep(value, at: place, for: withBytes(of: at) { Array($0) })
        return value
    }

    mutating func longJSON<Value: Sendable>(_ decode: (JSONValue) throws(JSONShapeError) -> Value) throws(LibOSError) -> Value {
        guard let value = try optionalLongJSON(decode) else { throw bad("is NULL") }
        return value
    }

    static func place(_ table: String, _ column: String, key: String) -> String { "\(table).\(column) \(key)" }

    private mutating func optionalJSON(keptAs type: Int32) throws(LibOSError) -> JSONValue? {
        let at = advance()
        switch sqlite3_column_type(statement, at) {
        case SQLITE_NULL: return nil
        case type: break
        default: throw bad("is of the wrong type")
        }
        let bytes = withBytes(of: at) { Array($0) }
        do {
            return try StoredJSON.value(of: bytes)
        } catch {
            throw bad("is no JSON: \(error)")
        }
    }

    private mutating func advance() -> Int32 {
        defer { index += 1 }
        return index
    }

    /// Bytes of a column as they are stored.
    private func withBytes<Value>(of column: Int32, _ body: (UnsafeBufferPointer<UInt8>) -> Value) -> Value {
        // The pointer must be asked for before the length.
        let start = sqlite3_column_blob(statement, column)
        let count = Int(sqlite3_column_bytes(statement, column))
        return body(UnsafeBufferPointer(start: start?.assumingMemoryBound(to: UInt8.self), count: start == nil ? 0 : count))
    }

    /// Says which row the column that was read last belongs to.
    func bad(_ what: String) -> LibOSError {
        let column = columns[Int(max(0, min(index, Int32(columns.count)) - 1))]
        var key = "?"
        if let text = sqlite3_column_text(statement, 0) { key = Self.excerpt(String(cString: text)) }
        return LibOSError(
            .store, "the store's \(table) \(key) is damaged: its \(column) \(what)",
            mend: "check the file with `glovebox audit verify`, and restore a backup if it fails")
    }

    /// What people can be shown of a text that may be anything.
    static func excerpt(_ text: String) -> String {
        let short = String(text.prefix(80))
        return printable(short) + (short.utf8.count < text.utf8.count ? "…" : "")
    }
}
