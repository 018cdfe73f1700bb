internal import CLinuxShims
internal import Glibc
internal import Synchronization

/// A descriptor for an open file that somebody else holds as well, and may close at any moment: then dropping this one is the
/// file's last close.
///
/// The last close of a TCP socket waits for its peer as long as SO_LINGER says, and that of a device for what it has not sent
/// yet. Whoever drops such a descriptor has other things to do, so a thread of its own closes it.
package struct SharedDescriptor: ~Copyable, Sendable {
    /// The number, borrowed: valid as long as the owner lives.
    package let rawValue: Int32

    /// Takes ownership of an open descriptor that is already close-on-exec.
    package init(adopting number: Int32) {
        precondition(number >= 0, "a descriptor number is never negative")
        rawValue = number
    }

    deinit {
        Self.close(rawValue)
    }

    /// Gives the number away, open.
    package consuming func take() -> Int32 {
        let number = rawValue
        discard self
        return number
    }

    // MARK: - Closing

    /// Closings under way. Each holds a thread and an open file for as long as a tool chose, so they are not many.
    private static let waiting = Atomic<Int>(0)
    private static let waitingLimit = 64

    private static func close(_ number: Int32) {
        guard mayWait(number) else {
            _ = Glibc.close(number)
            return
        }
        let others = waiting.add(1, ordering: .relaxed).oldValue
        // Too many wait already: this connection is broken off, and what its peer has not taken is lost.
        if others >= waitingLimit { _ = gbx_abort_on_close(number) }
        let isStarted = DetachedThread.start {
            _ = Glibc.close(number)
            waiting.subtract(1, ordering: .relaxed)
        }
        if !isStarted {
            _ = gbx_abort_on_close(number)
            _ = Glibc.close(number)
            waiting.subtract(1, ordering: .relaxed)
        }
    }

    private static func mayWait(_ number: Int32) -> Bool {
        guard let identity = try? FileIdentity.of(number) else { return true }
        if identity.isSocket {
            var facts = gbx_socket_facts()
            guard gbx_socket_facts(number, &facts) == 0 else { return true }
            return facts.family != AF_UNIX && facts.type == Int32(SOCK_STREAM.rawValue)
        }
        return identity.isCharacterDevice || identity.isBlockDevice
    }
}
