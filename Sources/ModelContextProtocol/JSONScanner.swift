/// Steps over JSON values without making anything of them: strings, brackets and words are told apart, so that where a value ends is
/// the same for this reader and for every one that accepts the text.
struct JSONScanner {
    let bytes: UnsafeBufferPointer<UInt8>
    var index = 0

    /// Lists and objects inside one another.
    static let deepest = 256

    init(_ bytes: UnsafeBufferPointer<UInt8>) { self.bytes = bytes }

    struct Malformed: Error {}

    mutating func skipBlanks() {
        while index < bytes.count, Self.isBlank(bytes[index]) { index += 1 }
    }

    mutating func take(_ byte: UInt8) -> Bool {
        guard index < bytes.count, bytes[index] == byte else { return false }
        index += 1
        return true
    }

    /// The text of a string with its quotes, and whether it holds escapes.
    mutating func string() throws(Malformed) -> (range: Range<Int>, hasEscapes: Bool) {
        let start = index
        guard take(UInt8(ascii: "\"")) else { throw Malformed() }
        var hasEscapes = false
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if byte == UInt8(ascii: "\"") { return (start..<index, hasEscapes) }
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                index += 1
            } else if byte < 0x20 {
                throw Malformed()
            }
        }
        throw Malformed()
    }

    /// Steps over one value of any kind.
    mutating func value() throws(Malformed) -> Range<Int> {
        skipBlanks()
        let start = index
        guard index < bytes.count else { throw Malformed() }
        switch bytes[index] {
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "{"), UInt8(ascii: "["): try container()
        default: try word()
        }
        return start..<index
    }

    private mutating func word() throws(Malformed) {
        let start = index
        while index < bytes.count, Self.isWordByte(bytes[index]) { index += 1 }
        if index == start { throw Malformed() }
    }

    private mutating func container() throws(Malformed) {
        var closers: [UInt8] = []
        repeat {
            guard index < bytes.count else { throw Malformed() }
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "\""):
                _ = try string()
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                if closers.count >= Self.deepest { throw Malformed() }
                closers.append(byte == UInt8(ascii: "{") ? UInt8(ascii: "}") : UInt8(ascii: "]"))
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                guard closers.popLast() == byte else { throw Malformed() }
            case UInt8(ascii: ","), UInt8(ascii: ":"): break
            default: guard Self.isBlank(byte) || Self.isWordByte(byte) else { throw Malformed() }
            }
            index += 1
        } while !closers.isEmpty
    }

    /// Goes through the members of the object that begins here. Each is given with its name's place; the end stands behind the object.
    mutating func members(
        _ body: (_ key: Range<Int>, _ hasEscapes: Bool, _ value: Range<Int>) throws(Malformed) -> Void
    ) throws(Malformed) {
        skipBlanks()
        guard take(UInt8(ascii: "{")) else { throw Malformed() }
        skipBlanks()
        if take(UInt8(ascii: "}")) { return }
        while true {
            skipBlanks()
            let key = try string()
            skipBlanks()
            guard take(UInt8(ascii: ":")) else { throw Malformed() }
            let value = try value()
            try body(key.range, key.hasEscapes, value)
            skipBlanks()
            if take(UInt8(ascii: "}")) { return }
            guard take(UInt8(ascii: ",")) else { throw Malformed() }
        }
    }

    mutating func memberOfObject(_ name: StaticString) throws(Malformed) -> Range<Int>? {
        var found: Range<Int>?
        let bytes = bytes
        try members { (key, hasEscapes, value) throws(Malformed) in
            if !hasEscapes, Self.isName(bytes, key, name) { found = value }
        }
        return found
    }

    /// Whether a string without escapes, quotes included in its place, is this word.
    static func isName(_ bytes: UnsafeBufferPointer<UInt8>, _ key: Range<Int>, _ name: StaticString) -> Bool {
        name.withUTF8Buffer { name in
            key.count == name.count + 2 && name.indices.allSatisfy { name[$0] == bytes[key.lowerBound + 1 + $0] }
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

    /// Of numbers, `true`, `false` and `null`, and of what some readers take for numbers.
    private static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."): true
        default: false
        }
    }
}
