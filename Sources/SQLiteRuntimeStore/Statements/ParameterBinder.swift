internal import GRDBSQLite
internal import LibOSModel
internal import StrictJSON

/// Binds the values of a statement one after the other. SQLite copies what it is given.
struct ParameterBinder {
    let statement: OpaquePointer
    private var index: Int32 = 0
    /// The first thing that went wrong, for example a text beyond SQLite's own bound.
    private(set) var code = SQLITE_OK

    /// How many were bound.
    var count: Int32 { index }

    init(statement: OpaquePointer) { self.statement = statement }

    mutating func bind(_ text: String) {
        index += 1
        var text = text
        note(text.withUTF8 { Self.bindText(statement, index, UnsafeRawBufferPointer($0)) })
    }

    mutating func bind(_ text: String?) {
        if let text { bind(text) } else { bindNull() }
    }

    mutating func bind(_ number: Int64) {
        index += 1
        note(sqlite3_bind_int64(statement, index, number))
    }

    mutating func bind(_ number: Int64?) {
        if let number { bind(number) } else { bindNull() }
    }

    mutating func bind(_ flag: Bool) { bind(flag ? 1 : 0) }
    mutating func bind(_ instant: Timestamp) { bind(instant.microseconds) }
    mutating func bind(_ instant: Timestamp?) { bind(instant?.microseconds) }
    mutating func bind<Kind>(_ id: Identifier<Kind>) { bind(id.text) }
    mutating func bind<Kind>(_ id: Identifier<Kind>?) { bind(id?.text) }

    mutating func bind(blob: some Collection<UInt8>) {
        index += 1
        let code = blob.withContiguousStorageIfAvailable { bytes in
            // A NULL pointer would bind NULL instead of an empty blob.
            bytes.isEmpty
                ? sqlite3_bind_zeroblob(statement, index, 0)
                : sqlite3_bind_blob64(statement, index, bytes.baseAddress, UInt64(bytes.count), Self.copied)
        }
        note(code ?? SQLITE_MISUSE)
    }

    /// Canonical JSON text. Throws `validation` for a value that could not be read back.
    mutating func bind(json value: JSONValue) throws(LibOSError) { bind(try StoredJSON.text(of: value)) }

    mutating func bind(json value: JSONValue?) throws(LibOSError) {
        if let value { try bind(json: value) } else { bindNull() }
    }

    mutating func bindNull() {
        index += 1
        note(sqlite3_bind_null(statement, index))
    }

    /// Text that is canonical already.
    mutating func bind(canonical bytes: ArraySlice<UInt8>) {
        index += 1
        note(bytes.withUnsafeBytes { Self.bindText(statement, index, $0) })
    }

    private static func bindText(_ statement: OpaquePointer, _ index: Int32, _ bytes: UnsafeRawBufferPointer) -> Int32 {
        guard let length = Int32(exactly: bytes.count) else { return SQLITE_TOOBIG }
        guard let base = bytes.baseAddress else { return sqlite3_bind_text(statement, index, "", 0, copied) }
        return sqlite3_bind_text(statement, index, base.assumingMemoryBound(to: CChar.self), length, copied)
    }

    private mutating func note(_ result: Int32) {
        if code == SQLITE_OK { code = result }
    }

    /// SQLITE_TRANSIENT, a macro that Swift does not see.
    private static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
}
