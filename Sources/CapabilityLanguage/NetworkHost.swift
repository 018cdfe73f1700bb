/// The host of a network resource in its one spelling: a deny must not miss an allow that is written differently.
enum NetworkHost {
    /// Lower-case names and dotted quads as they are; IPv6 addresses shortened as RFC 5952 says, and IPv4 ones in IPv6 clothes as
    /// IPv4. Other spellings of IPv4 addresses (`127.1`, `0x7f000001`) are refused, since programs do not read them alike.
    static func canonical(_ text: String) throws(ResourceProblem) -> String {
        if text.hasPrefix("["), text.hasSuffix("]") {
            guard let groups = groups(text.dropFirst().dropLast().utf8) else { throw problem(text) }
            if groups.prefix(5).allSatisfy({ $0 == 0 }), groups[5] == 0xFFFF {
                return quad(UInt32(groups[6]) << 16 | UInt32(groups[7]))
            }
            return "[" + shortened(groups) + "]"
        }
        guard isName(text) else { throw problem(text) }
        // A name's last label is never a number: whoever resolves it would take it for an address.
        let labels = text.utf8.split(separator: UInt8(ascii: "."))
        guard let last = labels.last?.first, isDigit(last) else { return text }
        if labels.count == 4, let address = numbers(labels), quad(address) == text { return text }
        guard let address = numbers(labels) else {
            throw ResourceProblem("`\(text)` is neither an IPv4 address nor a name", mend: "write four numbers from 0 to 255, or a name")
        }
        throw ResourceProblem("`\(text)` is another spelling of an address", mend: "write \(quad(address))")
    }

    private static func problem(_ text: String) -> ResourceProblem {
        ResourceProblem("`\(text)` is no host", mend: "write a name in lower case, an IPv4 address, or an IPv6 address in brackets")
    }

    private static func isName(_ text: String) -> Bool {
        guard text.utf8.count <= 253, !text.isEmpty else { return false }
        return text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            !label.isEmpty && label.count <= 63 && label.first != UInt8(ascii: "-") && label.last != UInt8(ascii: "-")
                && label.allSatisfy { isDigit($0) || (0x61...0x7A).contains($0) || "-_".utf8.contains($0) }
        }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    // MARK: IPv4

    private static func quad(_ address: UInt32) -> String {
        [24, 16, 8, 0].map { String(address >> $0 & 0xFF) }.joined(separator: ".")
    }

    /// As inet_aton reads it: one to four numbers, decimal, octal or hexadecimal, the last for all the bytes that are left.
    private static func numbers(_ labels: [Substring.UTF8View]) -> UInt32? {
        guard (1...4).contains(labels.count) else { return nil }
        var result: UInt64 = 0
        for (index, label) in labels.enumerated() {
            var digits = String(decoding: label, as: UTF8.self)
            var radix = 10
            if digits.hasPrefix("0x") {
                (digits, radix) = (String(digits.dropFirst(2)), 16)
            } else if digits.hasPrefix("0"), digits.utf8.count > 1 {
                radix = 8
            }
            let bytes = index == labels.count - 1 ? 5 - labels.count : 1
            guard let number = UInt64(digits, radix: radix), digits.utf8.first != UInt8(ascii: "+"), number < 1 << (8 * bytes) else {
                return nil
            }
            result |= number << (8 * (4 - index - bytes))
        }
        return UInt32(truncatingIfNeeded: result)
    }

    // MARK: IPv6

    /// Eight groups of 16 bits; nil for what is no address.
    private static func groups(_ text: Substring.UTF8View) -> [UInt16]? {
        let bytes = Array(text)
        let colon = UInt8(ascii: ":")
        guard let gap = bytes.indices.dropLast().first(where: { bytes[$0] == colon && bytes[$0 + 1] == colon }) else {
            guard let all = side(bytes[...], mayEndInQuad: true), all.count == 8 else { return nil }
            return all
        }
        guard let head = side(bytes[..<gap], mayEndInQuad: false), let tail = side(bytes[(gap + 2)...], mayEndInQuad: true),
            head.count + tail.count <= 7
        else { return nil }
        return head + [UInt16](repeating: 0, count: 8 - head.count - tail.count) + tail
    }

    private static func side(_ bytes: ArraySlice<UInt8>, mayEndInQuad: Bool) -> [UInt16]? {
        if bytes.isEmpty { return [] }
        let words = bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        var result: [UInt16] = []
        for (index, word) in words.enumerated() {
            let text = String(decoding: word, as: UTF8.self)
            if mayEndInQuad, index == words.count - 1, word.contains(UInt8(ascii: ".")) {
                let labels = text[...].utf8.split(separator: UInt8(ascii: "."))
                guard labels.count == 4, let address = numbers(labels), quad(address) == text else { return nil }
                result += [UInt16(address >> 16), UInt16(address & 0xFFFF)]
                continue
            }
            guard (1...4).contains(word.count), word.allSatisfy({ isDigit($0) || (0x61...0x66).contains($0) }),
                let number = UInt16(text, radix: 16)
            else { return nil }
            result.append(number)
        }
        return result
    }

    /// The longest run of zero groups, the first of equals, gives way to `::`; a single one does not.
    private static func shortened(_ groups: [UInt16]) -> String {
        var longest = 0..<0
        var start = 0
        for index in 0...groups.count where index == groups.count || groups[index] != 0 {
            if index - start > max(longest.count, 1) { longest = start..<index }
            start = index + 1
        }
        func text(_ part: ArraySlice<UInt16>) -> String { part.map { String($0, radix: 16) }.joined(separator: ":") }
        if longest.isEmpty { return text(groups[...]) }
        return text(groups[..<longest.lowerBound]) + "::" + text(groups[longest.upperBound...])
    }
}
