internal import StrictJSON

/// Where a model server is. Read strictly: what two readers of an address understand differently decides who gets the key.
package struct ServerAddress: Sendable, Hashable {
    package enum Scheme: String, Sendable { case http, https }

    package struct Problem: Error, Sendable, Hashable {
        package let message: String
    }

    package let scheme: Scheme
    /// A name, an IPv4 address, or an IPv6 address in brackets.
    package let host: String
    package let port: UInt16?
    /// Empty, or with a slash at its front and none at its end.
    package let path: String

    package init(_ text: String) throws(Problem) {
        let word = text.prefix { $0 != ":" }
        guard let scheme = Scheme(rawValue: word.lowercased()), text[word.endIndex...].hasPrefix("://") else {
            throw Problem(message: "it begins with neither https:// nor http://")
        }
        self.scheme = scheme
        let rest = text[word.endIndex...].dropFirst(3)
        let authority = rest.prefix { $0 != "/" }
        path = try Self.path(rest[authority.endIndex...])
        let split = Self.split(authority)
        host = String(split.host)
        guard Self.isHost(host) else {
            throw Problem(message: "`\(printable(String(authority)))` is no host; write a name or an address, and no user or password")
        }
        if let digits = split.port {
            guard let number = UInt16(digits), number > 0, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
                throw Problem(message: "`\(printable(String(digits)))` is no port")
            }
            port = number
        } else {
            port = nil
        }
    }

    /// This machine and no other.
    package var isLoopback: Bool {
        if host == "localhost" || host == "[::1]" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }

    /// Host and port, for people.
    package var authority: String { port.map { "\(host):\($0)" } ?? host }
    package var text: String { "\(scheme.rawValue)://\(authority)\(path)" }

    private static func split(_ authority: Substring) -> (host: Substring, port: Substring?) {
        let end = authority.hasPrefix("[") ? authority.firstIndex(of: "]").map { authority.index(after: $0) } : nil
        guard let colon = authority[(end ?? authority.startIndex)...].firstIndex(of: ":") else { return (authority, nil) }
        return (authority[..<colon], authority[authority.index(after: colon)...])
    }

    private static func isHost(_ text: String) -> Bool {
        if text.hasPrefix("["), text.hasSuffix("]") {
            let inner = text.dropFirst().dropLast()
            return inner.contains(":") && inner.utf8.allSatisfy { isHexadecimal($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }
        }
        return !text.isEmpty && text.utf8.count <= 253 && !text.hasPrefix("-") && text.utf8.allSatisfy { isNameByte($0) }
    }

    private static func path(_ text: Substring) throws(Problem) -> String {
        guard text.utf8.allSatisfy({ isNameByte($0) || "/_~%".utf8.contains($0) }), text.utf8.count <= 1024 else {
            throw Problem(message: "`\(printable(String(text)))` is no plain path; a query or a fragment does not belong there")
        }
        return String(text.hasSuffix("/") ? text.dropLast() : text)
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x2D || byte == 0x2E
    }
}
