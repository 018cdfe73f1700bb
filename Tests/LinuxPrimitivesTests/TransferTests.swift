internal import CLinuxShims
internal import Glibc
internal import LinuxPrimitives
internal import Testing

@Suite struct TransferTests {
    @Test func `what is written arrives, then nothing, then the end`() throws {
        var pipe = try Pipe.make()
        let reading = pipe.takeFirst()
        let writing = pipe.takeSecond()
        try reading.setNonBlocking(true)
        var buffer = [UInt8](repeating: 0, count: 8)
        func available() throws -> Transfer.Available {
            try buffer.withUnsafeMutableBytes { try Transfer.readAvailable(reading.rawValue, into: $0) }
        }
        #expect(try available() == .nothing)
        try Transfer.writeAll(writing.rawValue, [1, 2, 3])
        #expect(try available() == .bytes(3))
        #expect(Array(buffer[..<3]) == [1, 2, 3])
        writing.close()
        #expect(try available() == .end)
    }

    @Test func `a write larger than the pipe waits for its reader`() async throws {
        var pipe = try Pipe.make()
        let reading = OwnedNumberForTest(pipe.takeFirst())
        let writing = pipe.takeSecond()
        try writing.setNonBlocking(true)
        let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let reader = Task.detached { try Transfer.readAll(reading.number, limit: 1 << 20) }
        try Transfer.writeAll(writing.rawValue, bytes)
        writing.close()
        #expect(try await reader.value == bytes)
    }

    @Test func `reading stops at the limit`() throws {
        var pipe = try Pipe.make()
        let reading = pipe.takeFirst()
        let writing = pipe.takeSecond()
        try Transfer.writeAll(writing.rawValue, [UInt8](repeating: 1, count: 100))
        writing.close()
        let error = #expect(throws: SystemError.self) { try Transfer.readAll(reading.rawValue, limit: 99) }
        #expect(error?.errno == EFBIG)
    }

    @Test func `a sealed memory file holds its bytes at position 0 and cannot change`() throws {
        let bytes: [UInt8] = Array("launch spec".utf8)
        let file = try MemoryFile.make(name: "spec", bytes: bytes, sealed: true)
        #expect(lseek(file.rawValue, 0, SEEK_CUR) == 0)
        #expect(try Transfer.readAll(file.rawValue, limit: 100) == bytes)
        let error = #expect(throws: SystemError.self) { try Transfer.writeAll(file.rawValue, [0], at: 0) }
        #expect(error?.errno == EPERM)
        #expect(ftruncate(file.rawValue, 0) == -1)
        #expect(gbx_seals(file.rawValue) & 0xf == 0xf)
        let open = try MemoryFile.make(name: "spec", bytes: bytes, sealed: false)
        try Transfer.writeAll(open.rawValue, [0x4c], at: 0)
        #expect(try Transfer.readAll(open.rawValue, limit: 100).first == 0x4c)
    }

    @Test func `an event wakes once however often it was signalled`() throws {
        let event = try EventDescriptor()
        #expect(try !event.drain())
        #expect(try !Polling.wait(event.rawValue, for: .readable, deadline: 0))
        try event.signal()
        try event.signal()
        #expect(try Polling.wait(event.rawValue, for: .readable, deadline: 0))
        #expect(try event.drain())
        #expect(try !event.drain())
    }

    @Test func `signals neither end a wait nor fail it`() async {
        await #expect(processExitsWith: .success) {
            signal(SIGALRM) { _ in }
            var timer = itimerval(it_interval: timeval(tv_sec: 0, tv_usec: 1000), it_value: timeval(tv_sec: 0, tv_usec: 1000))
            precondition(setitimer(__itimer_which_t(ITIMER_REAL.rawValue), &timer, nil) == 0)
            let deadline = MonotonicClock.now() + 30_000_000
            var entries: [pollfd] = []
            precondition((try? Polling.wait(&entries, deadline: deadline)) == 0)
            precondition(MonotonicClock.now() >= deadline)
        }
    }

    @Test func `errors name call, object, symbol and advice`() {
        let error = #expect(throws: SystemError.self) { try SmallFile.read("/nonexistent/file") }
        #expect(error?.description == "open /nonexistent/file: ENOENT (No such file or directory)")
        #expect(SystemError(errno: EMFILE, operation: "pipe2").description.hasSuffix("raise the limit on open files (ulimit -n)"))
        #expect(SystemError(errno: 4000, operation: "x").description == "x: errno 4000 (unknown error)")
    }
}

/// An owned descriptor that a task may capture.
final class OwnedNumberForTest: Sendable {
    private let descriptor: OwnedDescriptor
    init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }
    var number: Int32 { descriptor.rawValue }
}
