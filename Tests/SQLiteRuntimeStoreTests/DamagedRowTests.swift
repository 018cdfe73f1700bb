import CapabilityLanguage
import LibOSModel
import StrictJSON
import Testing

@testable import SQLiteRuntimeStore

/// Rows that somebody damaged or forged: an error that names the row and the column, or a value that the column may hold. Never a crash.
struct DamagedRowTests {
    struct Table: Sendable, CustomTestStringConvertible {
        let table: StoredTable
        /// The key of the one row.
        let key: String
        let insert: @Sendable (any StoreTransaction) throws(LibOSError) -> Void
        let read: @Sendable (any StoreReading) throws(LibOSError) -> Void

        var testDescription: String { table.name }

        /// Every column with the table that it is in.
        var places: [(table: String, column: String)] {
            table.columns.map { (table.name, $0) } + table.apart.map { ($0.table, $0.name) }
        }

        init<Record: StoredRecord & Sendable>(
            _ record: Record, key: String, _ insert: @escaping @Sendable (any StoreTransaction, Record) throws(LibOSError) -> Void
        ) {
            table = Record.table
            self.key = key
            self.insert = { (tx) throws(LibOSError) in try insert(tx, record) }
            read = { (tx) throws(LibOSError) in
                guard let transaction = tx as? SQLiteTransaction else { return }
                let _: [Record] = try transaction.connection.rows("")
            }
        }
    }

    static func tables() throws -> [Table] {
        let process = Sample.process()
        let capability = try Sample.capability()
        let object = Sample.object()
        let link = Sample.link()
        let message = Sample.message()
        let event = Sample.event()
        let tool = Sample.tool()
        let toolCall = Sample.toolCall()
        let modelCall = Sample.modelCall()
        let action = Sample.pendingAction()
        let requests = try Sample.contents().map { Sample.humanRequest($0) }
        return [
            Table(process, key: process.id.text) { (tx, record) throws(LibOSError) in try tx.insert(record) },
            Table(AgentImage(id: "image-1", name: "n"), key: "image-1") { (tx, record) throws(LibOSError) in try tx.put(record) },
            Table(capability, key: capability.id.text) { (tx, record) throws(LibOSError) in try tx.insert(record) },
            Table(object, key: object.id.text) { (tx, record) throws(LibOSError) in try tx.insert(record) },
            Table(link, key: link.id.text) { (tx, record) throws(LibOSError) in try tx.insert(record) },
            Table(ObjectNamespace(name: "n-1", parent: nil, createdBy: "p", createdAt: Sample.noon), key: "n-1") {
                (tx, record) throws(LibOSError) in try tx.insert(record)
            },
            Table(message, key: message.id.text) { (tx, record) throws(LibOSError) in try tx.insert(record) },
            Table(event, key: event.id.text) { (tx, record) throws(LibOSError) in try tx.append(record) },
            Table(tool, key: tool.id.text) { (tx, record) throws(LibOSError) in try tx.put(record) },
            Table(toolCall, key: toolCall.id.text) { (tx, record) throws(LibOSError) in try tx.insert(record) },
            Table(modelCall, key: modelCall.id.text) { (tx, record) throws(LibOSError) in try tx.insert(record) },
            Table(action, key: action.process.text) { (tx, record) throws(LibOSError) in try tx.put(record) },
        ] + requests.map { Table($0, key: $0.id.text) { (tx, record) throws(LibOSError) in try tx.insert(record) } }
    }

    private static let forged = [
        "", "\u{0}", "{", "}", "null", "[]", "{}", "[1]", "{\"x\":1}", "{\"child\":1}", "{\"child\":\"pid_1\",\"x\":1}",
        "{\"a\":1,\"a\":2}",
        "\"text\"", "true", "1e400", "-0", "pid_", "pid_1", "obj_1", "always_allow", "running", "shell:git", "filesystem:workspace:../x",
        "\u{202E}", String(repeating: "[", count: 200) + String(repeating: "]", count: 200), String(repeating: "x", count: 70_000),
    ]

    /// Damages one column, reads, and undoes it. Answers the error, if reading ended with one.
    private func damage(
        _ store: SQLiteRuntimeStore, _ item: Table, _ place: (table: String, column: String), _ expression: String, _ bytes: [UInt8]?
    ) async throws -> LibOSError? {
        let undone = LibOSError(.timeout, "undone")
        let error = await thrown {
            try await store.write { (tx) throws(LibOSError) in
                guard let transaction = tx as? SQLiteTransaction else { return }
                do throws(LibOSError) {
                    try transaction.connection.run("UPDATE \(place.table) SET \(place.column) = \(expression)") { values in
                        if let bytes { values.bind(blob: bytes) }
                    }
                } catch {
                    // The table itself refuses it.
                    throw undone
                }
                try item.read(tx)
                throw undone
            }
        }
        return error == undone ? nil : error
    }

    private func check(_ error: LibOSError?, _ item: Table, _ column: String) {
        guard let error else { return }
        #expect(error.code == .store)
        #expect(error.message.hasPrefix("the store's \(item.table.name) "), "\(error.message)")
        if column != item.table.columns[0] {
            #expect(error.message.contains(item.key), "\(error.message)")
            // A wait and its column are checked against one another.
            if column != "wait" { #expect(error.message.contains("its \(column) "), "\(error.message)") }
        }
        #expect(!error.description.contains("\n") && error.description.utf8.count < 600)
    }

    @Test("forged and damaged columns", arguments: try tables()) func columns(_ item: Table) async throws {
        let store = try SQLiteRuntimeStore.inMemory()
        try await store.dropTriggers()
        try await store.write(.process, item.insert)
        try await store.read(item.read)
        var refused = 0
        for place in item.places {
            for value in ["NULL", "-1", "9223372036854775807", "CAST(x'ff' AS TEXT)", "CAST(x'00ff' AS TEXT)", "x'00'"] {
                let error = try await damage(store, item, place, value, nil)
                check(error, item, place.column)
                refused += error == nil ? 0 : 1
            }
            for text in Self.forged {
                let error = try await damage(store, item, place, "CAST(?1 AS TEXT)", Array(text.utf8))
                check(error, item, place.column)
                refused += error == nil ? 0 : 1
            }
        }
        #expect(refused > item.places.count)
        try await store.read(item.read)
    }

    @Test("bytes of a column changed at random", arguments: try tables()) func randomBytes(_ item: Table) async throws {
        let store = try SQLiteRuntimeStore.inMemory()
        try await store.dropTriggers()
        try await store.write(.process, item.insert)
        var random = SeededGenerator(state: UInt64(item.places.count))
        for place in item.places {
            let text = try await store.write { (tx) throws(LibOSError) -> [UInt8] in
                var bytes: [UInt8] = []
                try (tx as? SQLiteTransaction)?.connection.forEach(
                    "SELECT CAST(\(place.column) AS TEXT) FROM \(place.table)", table: StoredTable("x", ["y"])
                ) { (row) throws(LibOSError) in
                    bytes = Array((try row.optionalText() ?? "").utf8)
                }
                return bytes
            }
            for _ in 0..<40 {
                var bytes = text
                for _ in 0...Int.random(in: 0...2, using: &random) {
                    let at = Int.random(in: 0...bytes.count, using: &random)
                    switch Int.random(in: 0..<3, using: &random) {
                    case 0 where at < bytes.count: bytes[at] = .random(in: 0...255, using: &random)
                    case 1 where at < bytes.count: bytes.remove(at: at)
                    default: bytes.insert(Array("\"{}[],:0\\u".utf8).randomElement(using: &random) ?? 0, at: at)
                    }
                }
                check(try await damage(store, item, place, "CAST(?1 AS TEXT)", bytes), item, place.column)
            }
        }
    }
}

/// splitmix64: the same numbers in every run.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
