import CLinuxShims
import Glibc
import LinuxPrimitives
import Testing

/// Reading and writing that never waits, on descriptors that are set to wait and stay so.
@Suite struct NonBlockingTests {
    @Test func `a full pipe is told as such, and its flags stay`() throws {
        var pipe = try Pipe.make()
        let reading = pipe.takeFirst()
        let writing = pipe.takeSecond()
        var writer = NonBlockingWriter(writing.rawValue)
        let bytes = [UInt8](repeating: 1, count: 1 << 20)
        var taken = 0
        loop: for _ in 0..<100 {
            switch bytes.withUnsafeBytes({ writer.write($0) }) {
            case .bytes(let count): taken += count
            case .nothing: break loop
            case .gone: Issue.record("somebody reads")
            }
        }
        #expect(taken > 0)
        #expect(try !writing.isNonBlocking())
        let end = writer.finish()?.fd
        #expect(end == nil)
        reading.close()
        // Held back on this thread, and taken off again.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGPIPE)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        let after = bytes.withUnsafeBytes { writer.write($0) }
        var none = timespec()
        sigtimedwait(&signals, nil, &none)
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        #expect(after == .gone)
    }

    @Test func `a socket too`() throws {
        var pair = try SocketPair.stream()
        let ours = pair.takeFirst()
        let theirs = pair.takeSecond()
        var writer = NonBlockingWriter(ours.rawValue)
        let bytes = [UInt8](repeating: 1, count: 1 << 20)
        var last = NonBlockingWriter.Taken.bytes(0)
        for _ in 0..<1000 where last != .nothing { last = bytes.withUnsafeBytes { writer.write($0) } }
        #expect(last == .nothing)
        theirs.close()
        let after = bytes.withUnsafeBytes { writer.write($0) }
        #expect(after == .gone)
    }

    /// An event descriptor cannot be opened anew, and waits when its counter is full: so a thread has to wait for it.
    @Test(.timeLimit(.minutes(1))) func `where nothing can be opened anew a thread does the waiting`() throws {
        let target = OwnedDescriptor(adopting: gbx_eventfd(0))
        try target.setNonBlocking(false)
        var writer = NonBlockingWriter(target.rawValue)
        func put(_ value: UInt64) -> NonBlockingWriter.Taken {
            withUnsafeBytes(of: value) { writer.write($0) }
        }
        var taken = put(.max - 1)
        #expect(taken == .bytes(8))
        let deadline = MonotonicClock.now() + 30_000_000_000
        #expect(try Polling.wait(target.rawValue, for: .readable, deadline: deadline))
        taken = put(5) // waits in the thread: the counter is full
        #expect(taken == .bytes(8))
        let finished = writer.finish()?.fd
        let end = try #require(finished)
        #expect(try !Polling.wait(end, for: .readable, deadline: 0))
        var value: UInt64 = 0
        #expect(read(target.rawValue, &value, 8) == 8 && value == .max - 1)
        #expect(try Polling.wait(end, for: .readable, deadline: deadline))
        #expect(read(target.rawValue, &value, 8) == 8 && value == 5)
    }

    @Test func `what another reader has taken is nothing, and an end is an end`() throws {
        var pipe = try Pipe.make()
        let reading = pipe.takeFirst()
        let writing = pipe.takeSecond()
        let reader = NonBlockingReader(reading.rawValue)
        let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 8)
        defer { room.deallocate() }
        #expect(try reader.read(into: room) == .nothing)
        try Transfer.writeAll(writing.rawValue, [1, 2, 3])
        #expect(try reader.read(into: room) == .bytes(3))
        #expect(try !reading.isNonBlocking())
        writing.close()
        // Also for one that comes only after the last writer has gone.
        let late = NonBlockingReader(reading.rawValue)
        var entry = [late.pollEntry]
        #expect(try Polling.wait(&entry, timeoutMilliseconds: 0) == 1)
        #expect(try late.read(into: room) == .end)
        #expect(try reader.read(into: room) == .end)
    }
}
