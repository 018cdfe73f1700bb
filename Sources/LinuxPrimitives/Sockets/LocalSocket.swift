internal import CLinuxShims

/// Unix sockets that have a path and keep the boundaries of messages (SOCK_SEQPACKET).
package enum LocalSocket {
    /// Bytes that a socket's path can have.
    package static let pathLimit = 107

    /// One that listens. EADDRINUSE when something has that name: nothing is replaced.
    /// - Parameter backlog: connections that may wait to be accepted; more are refused.
    package static func listen(at path: String, backlog: Int32) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(adopting: try checked(gbx_listen_at(path, backlog), "bind", path))
    }

    /// A connection, non-blocking. Never waits: EAGAIN when the listener has no room.
    package static func connect(to path: String) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(adopting: try checked(gbx_connect_to(path), "connect", path))
    }

    /// Waits for the next connection, which is non-blocking.
    package static func accept(_ listener: Int32) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(adopting: try retrying("accept", "descriptor \(listener)") { gbx_accept(listener) })
    }

    /// Whether it is a unix SOCK_SEQPACKET socket that listens.
    package static func isListening(_ descriptor: Int32) -> Bool { gbx_is_listening(descriptor) == 1 }

    /// Where it is bound; nil when it has no path, or one that is no text.
    package static func boundPath(_ descriptor: Int32) -> String? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: pathLimit + 2) { room in
            guard let start = room.baseAddress else { return nil }
            let length = gbx_bound_path(descriptor, start, room.count)
            guard length > 0 else { return nil }
            return String(validating: room[..<Int(length)].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    /// What the peer has sent can still be read, and then comes the end. What it sends from now on is EPIPE there.
    package static func stopReceiving(_ descriptor: Int32) { _ = gbx_stop_receiving(descriptor) }
}
