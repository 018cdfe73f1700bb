extension JSONValue {
    /// One text for one value: keys sorted by their UTF-8 bytes, no spaces, shortest escapes (after RFC 8785). Hashes and audit
    /// chains are made of this form, so it must never change.
    package var canonicalText: String {
        var writer = JSONWriter(pretty: false)
        writer.write(self, indent: 0)
        return String(decoding: writer.bytes, as: UTF8.self)
    }

    /// Bytes of `canonicalText`, without making it.
    package var canonicalByteCount: Int {
        switch self {
        case .null: 4
        case .bool(let flag): flag ? 4 : 5
        case .int(let number): String(number).utf8.count
        case .double(let number): JSONWriter.text(of: number).utf8.count
        case .string(let text): JSONWriter.byteCount(of: text)
        case .array(let items): items.reduce(max(2, items.count + 1)) { $0 + $1.canonicalByteCount }
        case .object(let members):
            members.reduce(max(2, members.count + 1)) { $0 + JSONWriter.byteCount(of: $1.key) + 1 + $1.value.canonicalByteCount }
        }
    }

    /// For people: two spaces, keys in their given order, no newline at the end.
    package var prettyText: String {
        var writer = JSONWriter(pretty: true)
        writer.write(self, indent: 0)
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}

struct JSONWriter {
    var bytes: [UInt8] = []
    let pretty: Bool

    init(pretty: Bool) { self.pretty = pretty }

    mutating func write(_ value: JSONValue, indent: Int) {
        switch value {
        case .null: append("null")
        case .bool(let flag): append(flag ? "true" : "false")
        case .int(let number): append(String(number))
        case .double(let number): append(Self.text(of: number))
        case .string(let text): writeString(text)
        case .array(let items):
            writeList(open: "[", close: "]", count: items.count, indent: indent) { writer, index in
                writer.write(items[index], indent: indent + 1)
            }
        case .object(let given):
            let isOrdered = pretty || zip(given, given.dropFirst()).allSatisfy { !utf8Precedes($1.key, $0.key) }
            let members = isOrdered ? given : given.sorted { utf8Precedes($0.key, $1.key) }
            writeList(open: "{", close: "}", count: members.count, indent: indent) { writer, index in
                writer.writeString(members[index].key)
                writer.append(writer.pretty ? ": " : ":")
                writer.write(members[index].value, indent: indent + 1)
            }
        }
    }

    private mutating func writeList(open: String, close: String, count: Int, indent: Int, item: (inout JSONWriter, Int) -> Void) {
        append(open)
        for index in 0..<count {
            if index > 0 { append(",") }
            newLine(indent + 1)
            item(&self, index)
        }
        if count > 0 { newLine(indent) }
        append(close)
    }

    private mutating func newLine(_ indent: Int) {
        guard pretty else { return }
        bytes.append(0x0A)
        bytes.append(contentsOf: repeatElement(0x20, count: indent * 2))
    }

    private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }

    private mutating func writeString(_ text: String) {
        bytes.append(UInt8(ascii: "\""))
        var text = text
        text.withUTF8 { utf8 in
            writeEscaped(utf8)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// With its quotes and escapes.
    static func byteCount(of text: String) -> Int {
        var text = text
        return text.withUTF8 { utf8 in
            var count = utf8.count + 2
            var from = 0
            while let index = firstEscape(in: utf8, from: from) {
                switch utf8[index] {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"), 0x08, 0x09, 0x0A, 0x0C, 0x0D: count += 1
                default: count += 5
                }
                from = index + 1
            }
            return count
        }
    }

    private static func needsEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    /// Looks at eight bytes at once: most of a long text needs no escape.
    private static func firstEscape(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int? {
        let (ones, highs): (UInt64, UInt64) = (0x0101_0101_0101_0101, 0x8080_8080_8080_8080)
        let raw = UnsafeRawBufferPointer(text)
        var at = start
        while at + 8 <= text.count {
            let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: at, as: UInt64.self))
            let (quote, backslash) = (word ^ (ones &* 0x22), word ^ (ones &* 0x5C))
            // Of each of the three, the lowest byte whose high bit is set is one that is meant; those above it may be set by the borrow.
            let control = (word &- (ones &* 0x20)) & ~word
            let found = (control | ((quote &- ones) & ~quote) | ((backslash &- ones) & ~backslash)) & highs
            if found != 0 { return at + found.trailingZeroBitCount / 8 }
            at += 8
        }
        while at < text.count {
            if needsEscape(text[at]) { return at }
            at += 1
        }
        return nil
    }

    private mutating func writeEscaped(_ text: UnsafeBufferPointer<UInt8>) {
        // What needs no escape goes over in one piece.
        var from = 0
        while let index = Self.firstEscape(in: text, from: from) {
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[from..<index]))
            from = index + 1
            let byte = text[index]
            switch byte {
            case UInt8(ascii: "\""): append("\\\"")
            case UInt8(ascii: "\\"): append("\\\\")
            case 0x08: append("\\b")
            case 0x09: append("\\t")
            case 0x0A: append("\\n")
            case 0x0C: append("\\f")
            case 0x0D: append("\\r")
            default:
                let digits = String(byte, radix: 16)
                append("\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits)
            }
        }
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[from...]))
    }

    /// Whole numbers below 2^53 without a fraction, others as Swift's shortest text that reads back to the same value.
    static func text(of number: Double) -> String {
        guard number.isFinite else { return "null" }
        if number == number.rounded(), abs(number) < 9_007_199_254_740_992 { return String(Int64(number)) }
        return number.description
    }
}
