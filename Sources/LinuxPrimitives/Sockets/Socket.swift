internal import CLinuxShims

/// What kind of socket it is, and in which network it lives.
package struct SocketFacts: Sendable, Equatable {
    /// AF_*
    package let family: Int32
    /// SOCK_*, without flags
    package let type: Int32
    package let protocolNumber: Int32
    /// Cookie of the network namespace that the socket was made in. A socket stays there wherever its descriptor goes.
    package let network: UInt64
}

/// One socket with one owner. Addresses are the bytes of a sockaddr. Calls answer 0 or a positive errno, because that number
/// goes to somebody else.
package struct Socket: ~Copyable, Sendable {
    /// Somebody else has it too, or will have: a socket is made or copied here to be handed over.
    private let descriptor: SharedDescriptor

    package init(adopting descriptor: consuming SharedDescriptor) {
        self.descriptor = descriptor
    }

    /// A new socket in the caller's network namespace, non-blocking.
    package init(family: Int32, type: Int32, protocolNumber: Int32) throws(SystemError) {
        descriptor = SharedDescriptor(adopting: try checked(gbx_socket(family, type, protocolNumber), "socket"))
    }

    package var rawValue: Int32 { descriptor.rawValue }

    /// Gives the descriptor away, open.
    package consuming func takeDescriptor() -> Int32 { descriptor.take() }

    /// ENOTSOCK when it is something else.
    package borrowing func facts() throws(SystemError) -> SocketFacts {
        var facts = gbx_socket_facts()
        _ = try checked(gbx_socket_facts(descriptor.rawValue, &facts), "getsockopt", "descriptor \(descriptor.rawValue)")
        return SocketFacts(family: facts.family, type: facts.type, protocolNumber: facts.protocol, network: facts.network)
    }

    package borrowing func connect(_ address: [UInt8]) -> Int32 {
        -gbx_connect(descriptor.rawValue, address, address.count)
    }

    package borrowing func bind(_ address: [UInt8]) -> Int32 {
        -gbx_bind(descriptor.rawValue, address, address.count)
    }

    /// Ends the connection both ways; a thread that waits in `connect` comes back.
    package borrowing func shutDown() {
        _ = gbx_shut_down(descriptor.rawValue)
    }

    /// SO_REUSEADDR: a port that ended connections still hold may be bound again; one that somebody listens on may not.
    package borrowing func reuseAddress() {
        _ = gbx_reuse_address(descriptor.rawValue)
    }

    /// An AF_INET6 socket that takes no IPv4 connections.
    package borrowing func isIPv6Only() -> Bool {
        gbx_is_ipv6_only(descriptor.rawValue) == 1
    }

    /// Takes over another TCP socket's time-outs, linger, keep-alive and no-delay.
    package borrowing func takeStreamOptions(from other: borrowing Socket) {
        gbx_copy_stream_options(other.descriptor.rawValue, descriptor.rawValue)
    }

    package borrowing func setNonBlocking(_ on: Bool) throws(SystemError) {
        _ = try checked(gbx_set_nonblocking(descriptor.rawValue, on ? 1 : 0), "fcntl F_SETFL", "descriptor \(descriptor.rawValue)")
    }

    /// Cookie of the calling thread's own network namespace.
    package static func ownNetwork() throws(SystemError) -> UInt64 {
        // AF_UNIX 1, SOCK_DGRAM 2: a socket that every kernel has.
        try Socket(family: 1, type: 2, protocolNumber: 0).facts().network
    }
}
