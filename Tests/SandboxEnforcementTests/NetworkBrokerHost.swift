import Glibc
import LinuxPrimitives
import SandboxTestSupport
import Synchronization

/// A TCP socket of the host for broker tests: a server that answers every connection in upper case until it is dropped, a full
/// backlog, a client, a free port.
enum BrokerHost {
    struct Failed: Error { let step: String, error: Int32 }

    static func address(_ port: UInt16) -> [UInt8] {
        [2, 0, UInt8(port >> 8), UInt8(port & 0xFF), 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    }

    /// A listening socket on 127.0.0.1.
    static func listening(backlog: Int32) throws -> HostListener {
        let socket = try Socket(family: AF_INET, type: Int32(SOCK_STREAM.rawValue), protocolNumber: 0)
        let error = socket.bind(address(0))
        guard error == 0 else { throw Failed(step: "bind", error: error) }
        guard listen(socket.rawValue, backlog) == 0 else { throw Failed(step: "listen", error: errno) }
        var bytes = [UInt8](repeating: 0, count: 16)
        var size = socklen_t(bytes.count)
        let named = bytes.withUnsafeMutableBytes {
            getsockname(socket.rawValue, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, &size)
        }
        guard named == 0 else { throw Failed(step: "getsockname", error: errno) }
        return HostListener(socket, port: UInt16(bytes[2]) << 8 | UInt16(bytes[3]))
    }

    /// A port that nobody listens on now.
    static func freePort() throws -> UInt16 { try listening(backlog: 1).port }

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
    static func serve(_ listener: HostListener, count: Int) throws {
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
    static func full() throws -> HostListener {
        let listener = try listening(backlog: 0)
        for _ in 0..<64 {
            let socket = try Socket(family: AF_INET, type: Int32(SOCK_STREAM.rawValue), protocolNumber: 0)
            let error = socket.connect(address(listener.port))
            guard error == EINPROGRESS || error == 0 else { throw Failed(step: "connect", error: error) }
            // On a loopback an accepted connection is complete when the call returns.
            let isComplete = try error == 0 || Polling.wait(socket.rawValue, for: .writable, deadline: MonotonicClock.now() + 50_000_000)
            listener.fill(with: socket)
            if !isComplete { return listener }
        }
        throw Failed(step: "filling the queue", error: 0)
    }
}

final class HostListener: Sendable {
    let port: UInt16
    private let socket: Socket
    private let filling = Mutex<[FillingConnection]>([])

    init(_ socket: consuming Socket, port: UInt16) {
        self.socket = socket
        self.port = port
    }

    var number: Int32 { socket.rawValue }

    /// How many reached it since the last count.
    func hits() -> Int {
        var count = 0
        while case let accepted = accept(number, nil, nil), accepted >= 0 {
            close(accepted)
            count += 1
        }
        return count
    }

    func fill(with socket: consuming Socket) {
        let connection = FillingConnection(socket)
        filling.withLock { $0.append(connection) }
    }
}

private final class FillingConnection: Sendable {
    private let socket: Socket
    init(_ socket: consuming Socket) { self.socket = socket }
}
