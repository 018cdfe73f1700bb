internal import Glibc

/// An IP address in its one form: an IPv4 address is never written as an IPv6 one.
struct InternetAddress: Sendable, Hashable, CustomStringConvertible {
    /// 4 or 16 bytes, in network order.
    let bytes: [UInt8]

    private static let mappedPrefix: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
    static let loopback4 = InternetAddress([127, 0, 0, 1])
    static let loopback6 = InternetAddress([UInt8](repeating: 0, count: 15) + [1])

    /// 4 bytes, or 16 of which an IPv4-mapped address becomes the IPv4 address.
    init(_ bytes: [UInt8]) {
        self.bytes = bytes.count == 16 && bytes.starts(with: Self.mappedPrefix) ? Array(bytes[12...]) : bytes
    }

    /// Dotted quad or IPv6 text, as inet_pton reads it: no short, octal or hexadecimal forms, no zone.
    init?(literal: String) {
        var four = in_addr()
        var six = in6_addr()
        if inet_pton(AF_INET, literal, &four) == 1 {
            self.init(withUnsafeBytes(of: &four) { Array($0) })
        } else if inet_pton(AF_INET6, literal, &six) == 1 {
            self.init(withUnsafeBytes(of: &six) { Array($0) })
        } else {
            return nil
        }
    }

    var isV4: Bool { bytes.count == 4 }
    var isUnspecified: Bool { bytes.allSatisfy { $0 == 0 } }
    var isLoopback: Bool { isV4 ? bytes[0] == 127 : self == Self.loopback6 }

    /// What a connection to the unspecified address reaches: this machine.
    var asTarget: InternetAddress {
        guard isUnspecified else { return self }
        return isV4 ? .loopback4 : .loopback6
    }

    /// The IPv4 address that an IPv6 one leads to through a translator (NAT64) or a relay (6to4).
    var translated: InternetAddress? {
        if bytes.starts(with: [0x00, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0]) { return InternetAddress(Array(bytes[12...])) }
        return !isV4 && bytes.starts(with: [0x20, 0x02]) ? InternetAddress(Array(bytes[2..<6])) : nil
    }

    /// The 16 bytes that an IPv6 socket takes.
    var v6Bytes: [UInt8] { isV4 ? Self.mappedPrefix + bytes : bytes }

    var description: String {
        var buffer = [CChar](repeating: 0, count: 64)
        guard inet_ntop(isV4 ? AF_INET : AF_INET6, bytes, &buffer, socklen_t(buffer.count)) != nil else { return "?" }
        return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// As a policy writes it: IPv6 in brackets.
    var policyText: String { isV4 ? description : "[\(description)]" }

    // MARK: - Who can be meant by a name

    /// Why a name must not lead to this address unless a grant names the address itself: whoever answers for the name could
    /// send the tool to a service of this host or of its network. Nil for an address of the public internet.
    /// From the IANA special-purpose address registries, and the metadata services of the large clouds.
    var reasonToDrop: String? {
        isV4 ? Self.reason(v4: bytes) : Self.reason(v6: bytes)
    }

    private static func reason(v4 bytes: [UInt8]) -> String? {
        let (a, b, c) = (bytes[0], bytes[1], bytes[2])
        switch a {
        case 0: return "unspecified"
        case 10: return "private"
        case 100 where b & 0xC0 == 64: return "shared by a provider's network" // with Alibaba's metadata, 100.100.100.200
        case 127: return "loopback"
        case 168 where bytes == [168, 63, 129, 16]: return "a metadata address" // Azure
        case 169 where b == 254: return "link-local or a metadata address"
        case 172 where b & 0xF0 == 16: return "private"
        case 192 where b == 168: return "private"
        case 192 where b == 0 && (c == 0 || c == 2): return "reserved" // with Oracle's metadata, 192.0.0.192
        case 192 where b == 88 && c == 99: return "reserved"
        case 198 where b & 0xFE == 18: return "reserved"
        case 198 where b == 51 && c == 100: return "reserved"
        case 203 where b == 0 && c == 113: return "reserved"
        case 224...239: return "multicast"
        case 240...: return "reserved"
        default: return nil
        }
    }

    private static func reason(v6 bytes: [UInt8]) -> String? {
        if bytes.dropLast().allSatisfy({ $0 == 0 }) { return bytes[15] == 0 ? "unspecified" : bytes[15] == 1 ? "loopback" : "reserved" }
        switch (bytes[0], bytes[1]) {
        case (0xFE, 0x80...0xBF): return "link-local"
        case (0xFE, 0xC0...0xFF), (0xFC, _), (0xFD, _): return "private" // with Amazon's metadata, fd00:ec2::254
        case (0xFF, _): return "multicast"
        // Forms that carry an IPv4 address: what counts is where that leads.
        case (0x00, 0x64) where bytes[2...].starts(with: [0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0]): return reason(v4: Array(bytes[12...]))
        case (0x20, 0x02): return reason(v4: Array(bytes[2..<6]))
        case (0x20, 0x01) where bytes[2] == 0 && bytes[3] == 0: return "reserved" // Teredo: the address in it is hidden
        case (0x20, 0x01) where bytes[2] == 0x0D && bytes[3] == 0xB8: return "reserved"
        // 2000::/3 is the only part that is given out as global addresses.
        case (0x20...0x3F, _): return nil
        default: return "reserved"
        }
    }
}

/// Address and port as a sockaddr of the internet families carries them.
struct InternetEndpoint: Sendable, Hashable, CustomStringConvertible {
    var address: InternetAddress
    var port: UInt16

    var description: String { "\(address.policyText):\(port)" }

    enum ReadingError: Error, Equatable {
        /// Too short for its family.
        case short
        /// Not of the socket's family.
        case family
    }

    init(address: InternetAddress, port: UInt16) {
        self.address = address
        self.port = port
    }

    /// Reads a sockaddr the way that a socket of `family` would. Flow label and zone are left out.
    init(sockaddr bytes: [UInt8], socketFamily: Int32) throws(ReadingError) {
        guard bytes.count >= 16 else { throw .short }
        let family = Int32(bytes[0]) | Int32(bytes[1]) << 8
        guard family == socketFamily else { throw .family }
        port = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
        if family == AF_INET {
            address = InternetAddress(Array(bytes[4..<8]))
        } else {
            guard bytes.count >= 24 else { throw .short } // SIN6_LEN_RFC2133: without the zone
            address = InternetAddress(Array(bytes[8..<24]))
        }
    }

    /// A sockaddr for a socket of `family`; nil for an IPv6 address and an AF_INET socket.
    func sockaddr(family: Int32) -> [UInt8]? {
        let head = [UInt8(truncatingIfNeeded: family), 0, UInt8(port >> 8), UInt8(port & 0xFF)]
        if family == AF_INET { return address.isV4 ? head + address.bytes + [UInt8](repeating: 0, count: 8) : nil }
        return head + [0, 0, 0, 0] + address.v6Bytes + [0, 0, 0, 0]
    }
}
