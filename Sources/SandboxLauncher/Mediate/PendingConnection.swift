internal import Glibc
internal import LinuxPrimitives
internal import Synchronization

/// A connection that is being made while its caller waits.
protocol PendingConnection: AnyObject {
    /// Looks again. Nil while there is no answer yet.
    func look() -> ConnectionAnswer?
    /// The caller no longer waits.
    func abandon()
}

enum ConnectionAnswer: Equatable {
    case failed(errno: Int32)
    /// The caller's own socket is connected.
    case connected
    /// The socket of `socketToGive` takes its place.
    case replaced
}

/// A connection from the supervisor's network to a granted address. The socket is handed over connected or not at all: one
/// that is still connecting could be turned into a listener on every address of the host.
final class BrokeredConnection: PendingConnection {
    private let socket: Socket
    private let address: [UInt8]
    private let deadline: UInt64
    let number: Int32
    let closeOnExec: Bool
    private let nonBlocking: Bool

    /// Linux gives up after about 130 s (tcp_syn_retries); a caller whose socket does not block expected to wait not at all.
    private static let patience: UInt64 = 30_000_000_000

    init(_ socket: consuming Socket, to address: [UInt8], for caller: borrowing CallerSocket) {
        self.socket = socket
        self.address = address
        number = caller.number
        closeOnExec = caller.closeOnExec
        nonBlocking = caller.nonBlocking
        deadline = MonotonicClock.now() + Self.patience
    }

    var descriptor: Int32 { socket.rawValue }

    func look() -> ConnectionAnswer? {
        // Twice: on this host's own loopback the answer is there as soon as the first call returns. The call that reports the
        // connection is also what marks the socket as connected for good.
        for _ in 0..<2 {
            switch socket.connect(address) {
            case 0, EISCONN:
                if !nonBlocking, (try? socket.setNonBlocking(false)) == nil { return .failed(errno: ECONNABORTED) }
                return .replaced
            case EINPROGRESS, EALREADY, EINTR: continue
            case let error: return .failed(errno: error)
            }
        }
        return MonotonicClock.now() >= deadline ? .failed(errno: ETIMEDOUT) : nil
    }

    func abandon() {} // closed with this object
}

/// A connection inside the sandbox's own network, made on the caller's own socket. It may block, and the caller can change at
/// any time whether it does, so it is made on a thread of its own.
final class OwnConnection: PendingConnection, Sendable {
    private let socket: Socket
    private let address: [UInt8]
    private let result = Mutex<Int32?>(nil)
    private let isAbandoned = Atomic<Bool>(false)

    /// Nil when there is no thread to be had.
    init?(_ socket: consuming Socket, to address: [UInt8]) {
        self.socket = socket
        self.address = address
        guard DetachedThread.start({ [self] in run() }) else { return nil }
    }

    private func run() {
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil) // a signal of the host program's must not cut the call short
        let error = isAbandoned.load(ordering: .acquiring) ? ECONNABORTED : socket.connect(address)
        result.withLock { $0 = error }
    }

    func look() -> ConnectionAnswer? {
        result.withLock { $0 }.map { $0 == 0 ? .connected : .failed(errno: $0) }
    }

    /// Makes the thread come back. It may be about to enter the call, so this is repeated, on a thread of its own and a tenth of a
    /// second at most; then the kernel's own time-out ends it.
    func abandon() {
        isAbandoned.store(true, ordering: .releasing)
        socket.shutDown()
        guard look() == nil else { return }
        _ = DetachedThread.start { [self] in
            for _ in 0..<100 where look() == nil {
                usleep(1000)
                socket.shutDown()
            }
        }
    }
}
