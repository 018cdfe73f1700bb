internal import Glibc
package import LinuxPrimitives
internal import Synchronization

/// A listening socket of the host that counts who reached it. What reached it waits in its queue, so a count taken after the
/// caller has ended is complete.
package final class Listener: Sendable {
    package enum Place: Sendable {
        /// On 127.0.0.1, a port that the kernel chooses.
        case tcp, udp
        case unix(path: String)
        case abstract(name: String)
    }

    /// TCP or UDP port on 127.0.0.1; 0 for unix sockets.
    package let port: UInt16
    /// The listening socket, which does not block.
    package let number: Int32
    private let isDatagram: Bool
    private let kept = Mutex<[KeptConnection]>([])

    package init(_ place: Place, backlog: Int32 = 64) throws {
        let opened: Int32
        switch place {
        case .tcp: (opened, port, isDatagram) = try Self.internet(Int32(SOCK_STREAM.rawValue), isDatagram: false)
        case .udp: (opened, port, isDatagram) = try Self.internet(Int32(SOCK_DGRAM.rawValue), isDatagram: true)
        case .unix(let path): (opened, port, isDatagram) = (try Self.local(Array(path.utf8)), 0, false)
        case .abstract(let name): (opened, port, isDatagram) = (try Self.local([0] + Array(name.utf8)), 0, false)
        }
        number = opened
        if !isDatagram, listen(opened, backlog) != 0 { throw SystemError(errno: errno, operation: "listen") }
    }

    deinit { close(number) }

    private static let flags = Int32(SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)

    private static func internet(_ type: Int32, isDatagram: Bool) throws -> (Int32, UInt16, Bool) {
        let number = socket(AF_INET, type | flags, 0)
        guard number >= 0 else { throw SystemError(errno: errno, operation: "socket") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutableBytes(of: &address) { bytes -> Int32 in
            guard let generic = bytes.baseAddress?.assumingMemoryBound(to: sockaddr.self) else { return -1 }
            let bound = bind(number, generic, size)
            return bound == 0 ? getsockname(number, generic, &size) : bound
        }
        guard result == 0 else { throw SystemError(errno: errno, operation: "bind") }
        return (number, UInt16(bigEndian: address.sin_port), isDatagram)
    }

    private static func local(_ name: [UInt8]) throws -> Int32 {
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | flags, 0)
        guard number >= 0 else { throw SystemError(errno: errno, operation: "socket") }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        guard name.count < MemoryLayout.size(ofValue: address.sun_path) else { throw SystemError(errno: ENAMETOOLONG, operation: "bind") }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
        let size = socklen_t(MemoryLayout<sa_family_t>.size + name.count + (name.first == 0 ? 0 : 1))
        let result = withUnsafeBytes(of: &address) { bytes in
            bytes.baseAddress.map { bind(number, $0.assumingMemoryBound(to: sockaddr.self), size) } ?? -1
        }
        guard result == 0 else { throw SystemError(errno: errno, operation: "bind") }
        if let first = name.first, first != 0 { chmod(String(decoding: name, as: UTF8.self), 0o777) }
        return number
    }

    /// How many reached the listener since the last count.
    package func hits() -> Int {
        var count = 0
        while true {
            if isDatagram {
                var byte: UInt8 = 0
                guard recv(number, &byte, 1, 0) >= 0 else { return count }
            } else {
                let accepted = accept(number, nil, nil)
                guard accepted >= 0 else { return count }
                close(accepted)
            }
            count += 1
        }
    }

    /// Holds a connection open as long as the listener.
    package func keep(_ socket: consuming Socket) {
        let connection = KeptConnection(socket)
        kept.withLock { $0.append(connection) }
    }
}

private final class KeptConnection: Sendable {
    private let socket: Socket
    init(_ socket: consuming Socket) { self.socket = socket }
}
