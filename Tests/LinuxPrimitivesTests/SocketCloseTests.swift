import Glibc
import LinuxPrimitives
import Synchronization
import Testing

/// Closing a TCP socket with SO_LINGER waits for its peer, and a tool chooses that option. Whoever drops a socket goes on.
@Suite struct SocketCloseTests {
    private static func address(_ port: UInt16) -> [UInt8] {
        [2, 0, UInt8(port >> 8), UInt8(port & 0xFF), 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    }

    private struct Listening: ~Copyable {
        let owner: OwnedDescriptor
        let port: UInt16
    }

    private static func listener() throws -> Listening {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let owner = OwnedDescriptor(adopting: try #require(number >= 0 ? number : nil))
        var small: Int32 = 1
        setsockopt(owner.rawValue, SOL_SOCKET, SO_RCVBUF, &small, 4)
        var bytes = address(0)
        var size = socklen_t(bytes.count)
        let bound = bytes.withUnsafeMutableBytes { raw -> Int32 in
            guard let generic = raw.assumingMemoryBound(to: sockaddr.self).baseAddress else { return -1 }
            return bind(owner.rawValue, generic, size) == 0 ? getsockname(owner.rawValue, generic, &size) : -1
        }
        #expect(bound == 0 && listen(owner.rawValue, 16) == 0)
        return Listening(owner: owner, port: UInt16(bytes[2]) << 8 | UInt16(bytes[3]))
    }

    /// A connection with bytes that its peer does not take, told to wait an hour for them.
    private static func lingering(_ port: UInt16) throws -> Socket {
        let socket = try Socket(family: AF_INET, type: Int32(SOCK_STREAM.rawValue), protocolNumber: 0)
        let error = socket.connect(address(port))
        #expect(error == 0 || error == EINPROGRESS)
        _ = try Polling.wait(socket.rawValue, for: .writable, deadline: MonotonicClock.now() + 30_000_000_000)
        let bytes = [UInt8](repeating: 0, count: 1 << 16)
        for _ in 0..<1000 where send(socket.rawValue, bytes, bytes.count, Int32(MSG_DONTWAIT)) < 0 { break }
        var patience = linger(l_onoff: 1, l_linger: 3600)
        #expect(setsockopt(socket.rawValue, SOL_SOCKET, SO_LINGER, &patience, socklen_t(MemoryLayout<linger>.size)) == 0)
        return socket
    }

    /// Runs `body` on a thread, and tells whether it came back within so many seconds.
    private static func comesBack(within seconds: UInt64, _ body: @escaping @Sendable () -> Void) throws -> Bool {
        let done = try EventDescriptor()
        let box = Box {
            body(); try? done.signal()
        }
        var thread = pthread_t()
        let failed = pthread_create(
            &thread, nil,
            { context in
                if let context { Unmanaged<Box>.fromOpaque(context).takeRetainedValue().body() }
                return nil
            }, Unmanaged.passRetained(box).toOpaque())
        #expect(failed == 0)
        pthread_detach(thread)
        return try Polling.wait(done.rawValue, for: .readable, deadline: MonotonicClock.now() + seconds * 1_000_000_000)
    }

    private final class Box: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    private final class Held: Sendable {
        private let socket: Mutex<Socket?>
        init(_ socket: consuming Socket) { self.socket = Mutex(consume socket) }
        func drop() { socket.withLock { $0 = nil } }
        func take() -> Int32 { socket.withLock { owner in owner.take()?.takeDescriptor() ?? -1 } }
    }

    @Test(.timeLimit(.minutes(1))) func `a socket that lingers is dropped without waiting`() throws {
        let peer = try Self.listener()
        // A plain close waits, unless a signal happens to reach its thread.
        var waits = false
        for _ in 0..<5 where !waits {
            let plain = Held(try Self.lingering(peer.port)).take()
            waits = try !Self.comesBack(within: 1) { close(plain) }
        }
        #expect(waits)
        let held = Held(try Self.lingering(peer.port))
        #expect(try Self.comesBack(within: 20) { held.drop() })
        _ = consume peer // closed, it resets both connections, which ends the waiting
    }
}
