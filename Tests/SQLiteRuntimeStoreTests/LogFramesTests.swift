import LibOSModel
import LinuxPrimitives
import StrictJSON
import TestSupport
import Testing

@testable import SQLiteRuntimeStore

/// Frames of the write-ahead log are put into the file together, and never later than SQLite counts on it.
struct LogFramesTests {
    /// What reached the file.
    private final class File {
        var writes: [(offset: Int64, bytes: [UInt8])] = []
        var code: Int32 = 0

        var frames: LogFrames {
            LogFrames { bytes, offset in
                self.writes.append((offset, Array(bytes)))
                return self.code
            }
        }
    }

    private func header(last: Bool) -> [UInt8] {
        var bytes = [UInt8](repeating: 7, count: 24)
        for index in 4..<8 { bytes[index] = 0 }
        if last { bytes[7] = 9 }
        return bytes
    }

    private func page(_ number: UInt8, size: Int = 4096) -> [UInt8] { [UInt8](repeating: number, count: size) }

    private func write(_ bytes: [UInt8], at offset: Int64, to frames: inout LogFrames) -> Int32 {
        bytes.withUnsafeBytes { frames.write($0, at: offset) }
    }

    @Test("the frames of a transaction are one write, done before the last of them is answered") func together() {
        let file = File()
        var frames = file.frames
        var offset: Int64 = 32
        var expected: [UInt8] = []
        for number in 0..<5 as Range<UInt8> {
            for part in [header(last: number == 4), page(number)] {
                #expect(file.writes.isEmpty)
                #expect(write(part, at: offset, to: &frames) == 0)
                offset += Int64(part.count)
                expected += part
            }
        }
        #expect(file.writes.count == 1)
        #expect(file.writes.first?.offset == 32 && file.writes.first?.bytes == expected)
        #expect(frames.flush() == 0 && file.writes.count == 1)
    }

    @Test("a header that is corrected in a frame that is there already is not held back: no page comes behind the last of them")
    func corrected() {
        let file = File()
        var frames = file.frames
        var offset: Int64 = 32
        for number in 0..<3 as Range<UInt8> {
            for part in [header(last: false), page(number)] {
                #expect(write(part, at: offset, to: &frames) == 0)
                offset += Int64(part.count)
            }
        }
        #expect(write(page(9), at: 32 + 24, to: &frames) == 0)
        for frame in 0..<2 as Range<Int64> {
            let place = 32 + frame * 4120
            #expect(write(header(last: frame == 1), at: place, to: &frames) == 0)
            #expect(file.writes.last?.offset == place, "it reached the file")
        }
        // A log that begins anew holds frames again.
        let before = file.writes.count
        #expect(write(page(1, size: 32), at: 0, to: &frames) == 0)
        #expect(write(header(last: false), at: 32, to: &frames) == 0)
        #expect(file.writes.count == before + 1)
    }

    @Test("what is no next frame goes to the file at once, behind what was held back") func others() {
        let file = File()
        var frames = file.frames
        // The log's own header.
        #expect(write(page(1, size: 32), at: 0, to: &frames) == 0 && file.writes.count == 1)
        // A frame, and then a page that is written over an earlier one.
        #expect(write(header(last: false), at: 32, to: &frames) == 0)
        #expect(write(page(2), at: 56, to: &frames) == 0 && file.writes.count == 1)
        #expect(write(page(3), at: 1_000_000, to: &frames) == 0)
        #expect(file.writes.map(\.offset) == [0, 32, 1_000_000])
        // Frames over others, as after a transaction that was undone.
        #expect(write(header(last: false), at: 32, to: &frames) == 0)
        #expect(write(header(last: true), at: 64, to: &frames) == 0)
        #expect(file.writes.map(\.offset) == [0, 32, 1_000_000, 32, 64])
        // A header whose page never comes.
        #expect(write(header(last: false), at: 2_000_000, to: &frames) == 0)
        #expect(file.writes.count == 5)
        #expect(frames.flush() == 0)
        #expect(file.writes.map(\.offset) == [0, 32, 1_000_000, 32, 64, 2_000_000])
        // A last frame whose page comes in two pieces: no piece waits.
        #expect(write(header(last: true), at: 2_000_024, to: &frames) == 0)
        #expect(write(page(4, size: 100), at: 2_000_048, to: &frames) == 0 && file.writes.count == 7)
        #expect(write(page(4, size: 200), at: 2_000_148, to: &frames) == 0 && file.writes.count == 8)
    }

    @Test("a large transaction is not held back as a whole") func large() {
        let file = File()
        var frames = file.frames
        var offset: Int64 = 32
        for number in 0..<300 {
            _ = write(header(last: number == 299), at: offset, to: &frames)
            _ = write(page(UInt8(truncatingIfNeeded: number)), at: offset + 24, to: &frames)
            offset += 4120
        }
        #expect((2...30).contains(file.writes.count))
        #expect(file.writes.allSatisfy { $0.bytes.count <= LogFrames.room + 2 * 4120 })
        // Without a gap.
        for (one, next) in zip(file.writes, file.writes.dropFirst()) { #expect(one.offset + Int64(one.bytes.count) == next.offset) }
        #expect(file.writes.last.map { $0.offset + Int64($0.bytes.count) } == offset)
    }

    @Test("a failure is the answer of whoever made it show, and nothing is written twice") func failure() {
        let file = File()
        var frames = file.frames
        #expect(write(header(last: false), at: 32, to: &frames) == 0)
        #expect(write(page(1), at: 56, to: &frames) == 0)
        #expect(write(header(last: true), at: 4152, to: &frames) == 0)
        file.code = 13
        #expect(write(page(2), at: 4176, to: &frames) == 13 && file.writes.count == 1)
        #expect(frames.flush() == 0 && file.writes.count == 1)
        // The same at a place where SQLite writes something else first.
        #expect(write(header(last: false), at: 8272, to: &frames) == 0)
        #expect(write(page(3, size: 32), at: 0, to: &frames) == 13 && file.writes.count == 2)
        file.code = 0
        #expect(write(page(3, size: 32), at: 0, to: &frames) == 0 && file.writes.count == 3)
    }

    @Test("whoever reads beside the writer sees each commit once it is answered") func visible() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let beside = try await SQLiteRuntimeStore.openReadOnly(path: fixture.path)
        for number in 1...60 as ClosedRange<Int64> {
            try await store.record(AuditEntry(actor: "a", action: "b", decision: .string(String(repeating: "x", count: Int(number) * 300))))
            #expect(try await beside.read { (tx) throws(LibOSError) in try tx.lastAudit()?.sequence } == number)
        }
        await beside.close()
        await store.close()
    }

    @Test("transactions of every size are whole in the file", arguments: [1, 15, 16, 17, 31, 32, 33, 63, 64, 65, 200, 900])
    func sizes(_ pages: Int) async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let object = AgentObject(
            namespace: "n", type: .observation, payload: .string(String(repeating: "p", count: pages * 4096)), createdBy: "t",
            createdAt: Sample.noon)
        try await store.write { (tx) throws(LibOSError) in try tx.insert(object) }
        let beside = try await SQLiteRuntimeStore.openReadOnly(path: fixture.path)
        #expect(try await beside.read { (tx) throws(LibOSError) in try tx.object(object.id) } == object)
        await beside.close()
        await store.close()
    }

    @Test("a log that has grown long is taken over, and used again") func checkpoints() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        for number in 0..<60 {
            let object = AgentObject(
                namespace: "n", type: .observation, payload: .string(String(repeating: "p", count: 1 << 20)), createdBy: "t\(number)",
                createdAt: Sample.noon)
            try await store.write { (tx) throws(LibOSError) in try tx.insert(object) }
        }
        // Sixty megabytes were written.
        let (file, log) = (try FileIdentity.of(path: fixture.path).size, try FileIdentity.of(path: fixture.path + "-wal").size)
        #expect(file > 30 << 20)
        #expect(log < 20 << 20)
        #expect(try await store.read { (tx) throws(LibOSError) in try tx.objects(ObjectQuery(limit: 100)).count } == 60)
        await store.close()
    }

    @Test(
        "the store is the file that was named, whatever its name",
        arguments: [
            "plain.sqlite", "a b%20c.sqlite", "what?vfs=none.sqlite", "#first.sqlite", "100%.sqlite", "ünï.sqlite", "file:x.sqlite",
        ])
    func names(_ name: String) async throws {
        let fixture = try StoreFixture()
        for path in [fixture.directory.path + "/" + name, "//" + fixture.directory.path.drop { $0 == "/" } + "/two " + name] {
            let store = try await SQLiteRuntimeStore.open(path: path)
            try await store.record(AuditEntry(actor: "a", action: "b"))
            let beside = try await SQLiteRuntimeStore.openReadOnly(path: path)
            #expect(try await beside.verifyAudit().verified == 1)
            await beside.close()
            await store.close()
        }
    }
}
