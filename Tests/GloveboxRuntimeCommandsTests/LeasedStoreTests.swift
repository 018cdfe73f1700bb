import LibOSModel
import LinuxPrimitives
import SQLiteRuntimeStore
import StrictJSON
import Synchronization
import TestSupport
import Testing

@testable import GloveboxRuntimeCommands

@Suite struct LeasedStoreTests {
    /// Whoever asks waits for the store, which the threads of tests must not.
    private static func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            precondition(DetachedThread.start { continuation.resume(returning: body()) }, "no thread for a test")
        }
    }

    private static func place() throws -> (ScratchDirectory, String) {
        let scratch = try ScratchDirectory("lease")
        return (scratch, scratch.path + "/store/store.sqlite")
    }

    private static func append(_ text: String) -> @Sendable (any StoreTransaction) throws(LibOSError) -> Void {
        { transaction throws(LibOSError) in _ = try transaction.append(AuditEntry(actor: "runtime", action: "test.\(text)")) }
    }

    @Test("what is handed over is written in its order, before what is asked later") func order() async throws {
        let (scratch, path) = try Self.place()
        defer { scratch.remove() }
        let store = LeasedStore(path: path) { Issue.record("\($0)") }
        let seen = await Self.onThread {
            for number in 0..<20 { store.enqueue { transaction, _ throws(LibOSError) in try Self.append("\(number)")(transaction) } }
            return Result { () throws(LibOSError) in
                try store.perform { transaction, _ throws(LibOSError) in
                    try transaction.audit(AuditQuery(action: "test.")).map(\.entry.action)
                }
            }
        }
        #expect(try seen.get() == (0..<20).map { "test.\($0)" })
        await store.close()
    }

    @Test("the store is let go when there is nothing to write, and taken again") func release() async throws {
        let (scratch, path) = try Self.place()
        defer { scratch.remove() }
        let store = LeasedStore(path: path) { Issue.record("\($0)") }
        for round in 0..<2 {
            let written = await Self.onThread {
                Result { () throws(LibOSError) in
                    try store.perform { transaction, _ throws(LibOSError) in try Self.append("\(round)")(transaction) }
                }
            }
            try written.get()
            // Another writer gets in while the session lasts.
            let other = try await SQLiteRuntimeStore.open(path: path, patience: 30_000)
            try await other.write { transaction throws(LibOSError) in try Self.append("other")(transaction) }
            await other.close()
        }
        await store.close()
        let after = try await SQLiteRuntimeStore.open(path: path)
        let rows = try await after.read { store throws(LibOSError) in try store.audit(AuditQuery(action: "test.")).map(\.entry.action) }
        await after.close()
        #expect(rows == ["test.0", "test.other", "test.1", "test.other"])
    }

    @Test("a store that cannot be had is an error, and what was only handed over is complained about") func failure() async throws {
        let (scratch, _) = try Self.place()
        defer { scratch.remove() }
        let kept = Complaints()
        let store = LeasedStore(path: scratch.path + "/no/such/place/store.sqlite") { kept.add($0) }
        let result = await Self.onThread {
            store.enqueue { transaction, _ throws(LibOSError) in try Self.append("lost")(transaction) }
            return Result { () throws(LibOSError) in try store.perform { transaction, _ throws(LibOSError) in transaction.now } }
        }
        #expect(throws: LibOSError.self) { try result.get() }
        #expect(kept.all.count == 1)
        await store.close()
    }

    /// A wait for each of them would come to more than the time limit.
    @Test("who comes in a row while another holds the store is waited for once, and served when it is free", .timeLimit(.minutes(1)))
    func heldByAnother() async throws {
        let (scratch, path) = try Self.place()
        defer { scratch.remove() }
        let other = try await SQLiteRuntimeStore.open(path: path)
        let store = LeasedStore(path: path, patience: 3_000) { Issue.record("\($0)") }
        let refused = await Self.onThread {
            var refused = 0
            for number in 0..<64 {
                do throws(LibOSError) {
                    try store.group {
                        try? store.perform { transaction, _ throws(LibOSError) in try Self.append("\(number)")(transaction) }
                    }
                } catch {
                    if error.message.contains("while another command holds the store") { refused += 1 }
                }
            }
            return refused
        }
        #expect(refused == 64)
        await other.close()
        let written = await Self.onThread {
            Result { () throws(LibOSError) in
                try store.perform { transaction, _ throws(LibOSError) in try Self.append("after")(transaction) }
            }
        }
        try written.get()
        await store.close()
    }

    private final class Complaints: Sendable {
        private let lines = Mutex<[String]>([])
        func add(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    @Test("pins are their owner's alone, and come back as they were") func pins() throws {
        let (scratch, _) = try Self.place()
        defer { scratch.remove() }
        let file = PinFile(store: scratch.path + "/store.sqlite", server: "s")
        #expect(try file.read() == nil)
        let content = JSONValue.object([
            "schema": .string("glovebox.mcp_pins/1"), "tools": .object(["a": .object(["name": .string("a")])]),
        ])
        try file.write(content)
        try file.write(content)
        #expect(try file.read() == content && HostFile.identity(file.path).mode & 0o777 == 0o600)
        #expect(try HostFile.names(scratch.path).contains("store.sqlite.mcp-s.json"))
        // What was pinned is never forgotten in silence.
        for text in ["{", "{}", "[]", #"{"schema":"glovebox.mcp_pins/2","tools":{}}"#, #"{"schema":"glovebox.mcp_pins/1","tools":[]}"#] {
            try HostFile.write(file.path, text, mode: 0o600)
            #expect { try file.read() } throws: { "\($0)".contains("remove the file to pin the tools anew") }
        }
    }

    @Test(arguments: [("/usr/bin/python3", "python3"), ("npx", "npx"), ("a b", "a_b"), ("..", "server"), ("/", "server")])
    func serverNames(program: String, name: String) {
        #expect(MCPRunCommand.name(of: [program]) == name)
    }
}
