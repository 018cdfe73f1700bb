import Glibc
import LinuxPrimitives
import SandboxTestSupport
import TestSupport

/// A TCP socket of the host for broker tests: a server that answers every connection in upper case until it is dropped, a full
/// backlog, a client, a free port.
enum BrokerHost {
    struct Failed: Error { let step: String, error: Int32 }

    static func address(_ port: UInt16) -> [UInt8] {
        [2, 0, UInt8(port >> 8), UInt8(port & 0xFF), 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    }

    /// A port that nobody listens on now.
    static func freePort() throws -> UInt16 { try Listener(.tcp, backlog: 1).port }

    /// Connects from outside, sends a line, and gives the answer up to its end. The server must be listening.
    static func ask(_ port: UInt16, _ text: String) throws -> String {
        let socket = try Socket(family: AF_INET, type: Int32(SOCK_STREAM.rawValue), protocolNumber: 0)
        var error = socket.connect(address(port))
        if error == EINPROGRESS {
            guard try Polling.wait(socket.rawValue, for: .writable, deadline: MonotonicClock.now() + 30_000_000_000) else {
                throw Failed(step: "connect", error: ETIMEDOUT)
            }
            error = socket.connect(address(port))
        }
        guard error == 0 || error == EISCONN else { throw Failed(step: "connect", error: error) }
        try socket.setNonBlocking(false)
        var patience = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(socket.rawValue, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        try Transfer.writeAll(socket.rawValue, Array(text.utf8))
        return String(decoding: try Transfer.readAll(socket.rawValue, limit: 1 << 20), as: UTF8.self)
    }

    /// Answers `count` connections, each with what it sent up to a newline, in upper case.
    static func serve(_ listener: Listener, count: Int) throws {
        for _ in 0..<count {
            guard try Polling.wait(listener.number, for: .readable, deadline: MonotonicClock.now() + 30_000_000_000) else {
                throw Failed(step: "accept", error: ETIMEDOUT)
            }
            let number = accept(listener.number, nil, nil)
            guard number >= 0 else { throw Failed(step: "accept", error: errno) }
            let connection = OwnedDescriptor(adopting: number)
            var lines = LineReader(try connection.duplicated())
            let text = try lines.next() ?? "nothing"
            try Transfer.writeAll(connection.rawValue, Array(text.uppercased().utf8))
        }
    }

    /// A listener whose queue is full: a further connection gets no answer. The connections keep it full while they live.
    static func full() throws -> Listener {
        let listener = try Listener(.tcp, backlog: 0)
        for _ in 0..<64 {
            let socket = try Socket(family: AF_INET, type: Int32(SOCK_STREAM.rawValue), protocolNumber: 0)
            let error = socket.connect(address(listener.port))
            guard error == EINPROGRESS || error == 0 else { throw Failed(step: "connect", error: error) }
            // On a loopback an accepted connection is complete when the call returns.
            let isComplete = try error == 0 || Polling.wait(socket.rawValue, for: .writable, deadline: MonotonicClock.now() + 50_000_000)
            listener.keep(socket)
            if !isComplete { return listener }
        }
        throw Failed(step: "filling the queue", error: 0)
    }
}
