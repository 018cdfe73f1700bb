internal import CSQLite
internal import Glibc
internal import LinuxPrimitives

/// The audit's table in a file of its own, filled by SQLite alone: a prepared INSERT of the same row, its hash computed beforehand.
final class BareAudit {
    private var database: OpaquePointer?
    private var statement: OpaquePointer?
    private var sequence: Int64 = 0
    private let hash = [UInt8](repeating: 7, count: 32)

    private static let columns = 15
    /// SQLITE_TRANSIENT
    private static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    init(path: String) throws {
        try check(sqlite3_open(path, &database))
        try run(
            """
            PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
            CREATE TABLE audit (
                sequence INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, timestamp INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
                target TEXT, inputs TEXT NOT NULL, outputs TEXT NOT NULL, capabilities TEXT NOT NULL, decision TEXT, decision_sha256 BLOB,
                correlation TEXT, parent TEXT, hash BLOB NOT NULL, previous_hash BLOB NOT NULL
            ) STRICT;
            CREATE INDEX audit_by_correlation ON audit (correlation) WHERE correlation IS NOT NULL;
            CREATE INDEX audit_by_content ON audit (decision_sha256) WHERE decision_sha256 IS NOT NULL;
            """)
        let marks = (1...Self.columns).map { "?\($0)" }.joined(separator: ", ")
        try check(
            sqlite3_prepare_v3(database, "INSERT INTO audit VALUES (\(marks))", -1, UInt32(SQLITE_PREPARE_PERSISTENT), &statement, nil))
    }

    deinit {
        sqlite3_finalize(statement)
        sqlite3_close(database)
    }

    func run(_ sql: String) throws { try check(sqlite3_exec(database, sql, nil, nil, nil)) }

    func insert(_ row: AuditSample) throws {
        sequence += 1
        sqlite3_bind_int64(statement, 1, sequence)
        bind(2, row.newID())
        sqlite3_bind_int64(statement, 3, 1_795_000_000_000_000 + sequence)
        for (index, text) in row.texts.enumerated() { bind(Int32(4 + index), text) }
        sqlite3_bind_null(statement, 11)
        bind(12, row.correlation)
        bind(13, row.parent)
        sqlite3_bind_blob(statement, 14, hash, 32, Self.copied)
        sqlite3_bind_blob(statement, 15, hash, 32, Self.copied)
        let code = sqlite3_step(statement)
        sqlite3_reset(statement)
        try check(code == SQLITE_DONE ? SQLITE_OK : code)
    }

    private func bind(_ index: Int32, _ text: String) {
        var text = text
        _ = text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { sqlite3_bind_text(statement, index, $0.baseAddress, Int32($0.count), Self.copied) }
        }
    }

    private func check(_ code: Int32) throws {
        guard code != SQLITE_OK else { return }
        throw SystemError(errno: EIO, operation: "sqlite3", object: String(cString: sqlite3_errmsg(database)))
    }
}
