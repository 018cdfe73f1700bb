import Glibc
import LibOSModel
import LinuxPrimitives
import SandboxTestSupport
import StrictJSON
import TestSupport
import Testing

@testable import SQLiteRuntimeStore

/// Files that are no store, no whole store, or a later program's: one clear line, and the file stays as it is.
struct DamagedFileTests {
    let fixture: StoreFixture

    init() throws { fixture = try StoreFixture() }

    private func bytes() throws -> [UInt8] { try SmallFile.read(fixture.path, limit: 64 << 20) }

    private func put(_ bytes: [UInt8]) throws {
        let number = open(fixture.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        let file = OwnedDescriptor(adopting: number)
        try Transfer.writeAll(file.rawValue, bytes)
    }

    /// A closed store with some pages of everything.
    private func fill() async throws {
        let store = try await fixture.open()
        try await store.write { (tx) throws(LibOSError) in
            for number in 0..<60 {
                var process = Sample.process()
                process.status = .runnable
                process.statusMessage = String(repeating: "m", count: 300 + number)
                try tx.insert(process)
                try tx.append(AuditEntry(actor: "a", action: "b", decision: .string(String(repeating: "d", count: number * 100))))
                try tx.append(Sample.event())
            }
        }
        await store.close()
    }

    private func refused(_ mustContain: String, location: SourceLocation = #_sourceLocation) async throws {
        let before = try bytes()
        for isReading in [false, true] {
            let error = await thrown {
                isReading ? try await SQLiteRuntimeStore.openReadOnly(path: fixture.path) : try await fixture.open()
            }
            #expect(error?.code == .store, sourceLocation: location)
            #expect(error?.message.contains(mustContain) == true, "\(String(describing: error))", sourceLocation: location)
            #expect(error?.description.contains("\n") == false && error?.mend != nil, sourceLocation: location)
        }
        #expect(try bytes() == before, sourceLocation: location)
    }

    @Test("a later program's store") func newer() async throws {
        try await fill()
        var header = try bytes()
        header[63] = UInt8(StoreSchema.version + 1)
        try put(header)
        try await refused("has version \(StoreSchema.version + 1), and this program knows up to \(StoreSchema.version)")
        // The same when the number is only in the journal yet.
        header[63] = UInt8(StoreSchema.version)
        try put(header)
        let store = try await fixture.open()
        try await store.tamper("PRAGMA user_version = 99")
        let reader = await thrown { try await SQLiteRuntimeStore.openReadOnly(path: fixture.path) }
        #expect(reader?.message.contains("has version 99") == true)
        await store.close()
        try await refused("has version 99")
    }

    @Test("another program's file") func foreign() async throws {
        try await fill()
        var header = try bytes()
        header[68] ^= 0xFF
        try put(header)
        try await refused("no store of Glovebox")
        header.replaceSubrange(68..<72, with: [0, 0, 0, 0])
        header.replaceSubrange(60..<64, with: [0, 0, 0, 0])
        try put(header)
        try await refused("no store of Glovebox")
    }

    @Test("garbage", arguments: [1, 100, 5000]) func garbage(_ count: Int) async throws {
        try await fill()
        try put(Array(repeating: 0x7F, count: count))
        try await refused("is damaged")
    }

    @Test("a file that was cut off") func truncated() async throws {
        try await fill()
        let whole = try bytes()
        try put(Array(whole.prefix(whole.count / 2)))
        try await refused("is damaged")
    }

    @Test("an empty file becomes a store; for reading there is nothing yet") func empty() async throws {
        #expect(mkdir(fixture.directory.path + "/records", 0o700) == 0)
        try put([])
        #expect(await thrown { try await SQLiteRuntimeStore.openReadOnly(path: fixture.path) }?.code == .notFound)
        await (try fixture.open()).close()
        await (try SQLiteRuntimeStore.openReadOnly(path: fixture.path)).close()
    }

    /// Whatever byte of the file is another one: each way of reading ends with records or with one line.
    @Test("pages with bytes changed at random", arguments: 1...6) func badPages(_ seed: UInt64) async throws {
        try await fill()
        let whole = try bytes()
        var random = SeededGenerator(state: seed)
        var failures = 0
        for _ in 0..<15 {
            var damaged = whole
            for _ in 0..<Int.random(in: 1...400, using: &random) {
                damaged[.random(in: 100..<damaged.count, using: &random)] = .random(in: 0...255, using: &random)
            }
            unlink(fixture.path + "-wal")
            unlink(fixture.path + "-shm")
            try put(damaged)
            do throws(LibOSError) {
                let store = try await SQLiteRuntimeStore.openReadOnly(path: fixture.path)
                _ = await thrown { try await store.verifyAudit() }.map { _ in failures += 1 }
                _ = try await store.read { (tx) throws(LibOSError) in
                    _ = try tx.processes(status: nil)
                    _ = try tx.audit(AuditQuery(limit: .max))
                    return try tx.recentEvents(for: Sample.text, limit: 100)
                }
            } catch {
                failures += 1
                #expect(error.code == .store && !error.description.contains("\n"), "\(error)")
            }
        }
        #expect(failures > 0)
    }

    @Test("no room in the file: the transaction fails, the store stays usable") func pageLimit() async throws {
        let store = try await fixture.open()
        try await store.record(AuditEntry(actor: "a", action: "b"))
        let pages = try #require(try await store.number("PRAGMA page_count"))
        _ = try await store.number("PRAGMA max_page_count = \(pages + 20)")
        var large = Sample.object()
        large.payload = .string(String(repeating: "p", count: 1 << 20))
        let object = large
        for _ in 0..<3 {
            let error = await thrown {
                try await store.write { (tx) throws(LibOSError) in
                    try tx.append(AuditEntry(actor: "a", action: "lost"))
                    try tx.insert(object)
                }
            }
            #expect(error?.code == .store && error?.message.hasPrefix("there is no room for the store") == true)
        }
        try await store.record(AuditEntry(actor: "a", action: "small"))
        _ = try await store.number("PRAGMA max_page_count = 1000000")
        try await store.write { (tx) throws(LibOSError) in try tx.insert(object) }
        #expect(try await store.verifyAudit().verified == 2)
    }

    /// In a namespace of its own, so that the mount goes with the program.
    @Test("a full disk: the transaction fails, the store stays usable") func fullDisk() throws {
        let place = fixture.directory.path
        let ended = try BareProcess.run([
            "/usr/bin/unshare", "--map-root-user", "--mount", "/bin/sh", "-c",
            "mount -t tmpfs -o size=1m,mode=700 none \(place) && exec \(Products.directory)/store-crash-probe fill \(place)/store.sqlite",
        ])
        let lines = ended.output.split(separator: "\n").map(String.init)
        #expect(ended.code == 0, "\(lines) \(ended.errorOutput)")
        #expect(lines.count == 2)
        #expect(lines.first?.hasPrefix("full store_error there is no room for the store") == true, "\(lines)")
        #expect(lines.last == "usable true", "\(lines)")
    }
}
