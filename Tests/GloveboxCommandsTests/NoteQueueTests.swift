import CommandOutput
import Glibc
import LinuxPrimitives
import TestSupport
import Testing

@Suite struct NoteQueueTests {
    private static func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            precondition(DetachedThread.start { continuation.resume(returning: body()) }, "no thread for a test")
        }
    }

    @Test("who says something waits for no reader, and the reader learns what it missed", .timeLimit(.minutes(1))) func unread()
        async throws
    {
        var pipe = try Pipe.make()
        let reading = pipe.takeFirst()
        let writing = pipe.takeSecond()
        let number = writing.rawValue
        let queue = NoteQueue(number, room: 1_000)
        let line = String(repeating: "x", count: 99) + "\n"
        await Self.onThread { for _ in 0..<5_000 { queue.post(line) } }
        // The end waits for nobody either.
        let other = NoteQueue(number, room: 1_000)
        await Self.onThread {
            other.post(line)
            other.settle(milliseconds: 1)
        }
        // Somebody reads after all: everything that was kept, in whole lines, and how much was not.
        let number2 = reading.rawValue
        let text = await Self.onThread {
            var text: [UInt8] = []
            let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 16)
            defer { room.deallocate() }
            while !String(decoding: text.suffix(100), as: UTF8.self).contains("notes were left out here") {
                guard let count = try? Transfer.read(number2, into: room), count > 0 else { break }
                text += room[..<count]
            }
            return String(decoding: text, as: UTF8.self)
        }
        let lines = text.split(separator: "\n")
        let kept = lines.filter { $0.utf8.count == 99 }.count
        #expect(lines.last == "glovebox: \(5_000 - kept) notes were left out here, because nobody read them")
        #expect(kept > 100 && kept < 5_000 && lines.count == kept + 1)
    }

    @Test("what a reader takes is whole and in order, also at the end", .timeLimit(.minutes(1))) func read() async throws {
        var pipe = try Pipe.make()
        let reading = pipe.takeFirst()
        let end = pipe.takeSecond()
        let number = end.rawValue
        let source = reading.rawValue
        async let heard = Self.onThread { (try? Transfer.readAll(source, limit: 8 << 20)) ?? [] }
        await Self.onThread {
            let queue = NoteQueue(number)
            queue.post("first\n")
            queue.post(String(repeating: "y", count: 3 << 20) + "\n")
            queue.settle(milliseconds: 50_000)
            queue.post("after the end\n")
        }
        end.close()
        let text = String(decoding: await heard, as: UTF8.self)
        #expect(text.utf8.count == 6 + (3 << 20) + 1 && text.hasPrefix("first\ny") && text.hasSuffix("y\n"))
        _ = reading
    }
}
