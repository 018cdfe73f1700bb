internal import Glibc
internal import LinuxPrimitives

/// A waiting caller's socket and the address it passes along. The address is a copy, and the socket is held by a copy of its
/// descriptor: the same open socket, whatever the caller does with its number meanwhile. Its descriptor flags are those at the
/// time of the look.
struct CallerSocket: ~Copyable {
    /// In the caller.
    let number: Int32
    let socket: Socket
    let facts: SocketFacts
    let nonBlocking: Bool
    let closeOnExec: Bool
    /// A sockaddr of any family, at least the two bytes of the family.
    let address: [UInt8]

    /// The longest sockaddr of any family (struct sockaddr_storage): the kernel takes no longer one either.
    private static let addressLimit = 128

    /// ENOTSOCK for anything that is no socket, EINVAL for a length that is none.
    init(_ number: Int32, of caller: CallerView, addressAt place: UInt64, length: Int32) throws(SystemError) {
        guard number >= 0 else { throw SystemError(errno: EBADF, operation: "pidfd_getfd") }
        let socket = Socket(adopting: try caller.copy(ofDescriptor: number))
        let flags = try caller.flags(ofDescriptor: number)
        let facts = try socket.facts()
        guard length >= 2, length <= Self.addressLimit else { throw SystemError(errno: EINVAL, operation: "connect") }
        let address = try caller.bytes(at: place, count: Int(length))
        self.number = number
        self.facts = facts
        self.address = address
        nonBlocking = flags & O_NONBLOCK != 0
        closeOnExec = flags & O_CLOEXEC != 0
        self.socket = socket
    }

    /// Keeps the copy for longer than the look.
    consuming func takeSocket() -> Socket { socket }

    /// AF_* of the address, which need not be the socket's.
    var addressFamily: Int32 { Int32(address[0]) | Int32(address[1]) << 8 }
    var isStream: Bool { facts.type == Int32(SOCK_STREAM.rawValue) }
    var isInternet: Bool { facts.family == AF_INET || facts.family == AF_INET6 }
}
