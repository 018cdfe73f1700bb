/// A strictly read JSON text: as a tree with positions (`root`) and as a plain value.
///
/// Strict because it also reads what untrusted tools say: well-formed UTF-8, one value and nothing after it, unique keys, no
/// lone surrogates, no numbers outside the grammar, bounded depth, nodes and bytes. It never recurses deeper than its bound.
package struct JSONDocument: Sendable, Equatable {
    package let root: DocumentNode
    package let value: JSONValue

    package static func read(_ bytes: [UInt8], bounds: DocumentBounds) throws(JSONReadError) -> JSONDocument {
        if bytes.count > bounds.bytes {
            throw JSONReadError(
                message: "the text has \(bytes.count) bytes, \(bounds.bytes) are allowed", mend: "send less",
                position: SourcePosition(line: 1, column: 1))
        }
        if let bad = TextCheck.firstProblem(in: bytes) {
            throw JSONReadError(message: bad.message, mend: bad.mend, position: TextCheck.position(of: bad.offset, in: bytes))
        }
        var reader = JSONReader(bytes: bytes, bounds: bounds)
        return try reader.readDocument()
    }
}

package struct JSONReadError: Error, Sendable, Equatable, CustomStringConvertible {
    package var message: String
    package var mend: String
    package var position: SourcePosition

    package var description: String { printable("\(position.line):\(position.column): \(message); \(mend)") }
}

private struct JSONReader {
    let bytes: [UInt8]
    let bounds: DocumentBounds
    var index = 0
    var line = 1
    /// Column of the byte at `columnIndex`, in characters. It only moves forward, so that a long line is counted once.
    var column = 1
    var columnIndex = 0
    var nodes = 0

    init(bytes: [UInt8], bounds: DocumentBounds) {
        self.bytes = bytes
        self.bounds = bounds
    }

    typealias Item = (node: DocumentNode, value: JSONValue)

    mutating func readDocument() throws(JSONReadError) -> JSONDocument {
        skipBlanks()
        let item = try readValue(depth: 0)
        skipBlanks()
        if index < bytes.count { throw error("there is text after the value", "keep one value") }
        return JSONDocument(root: item.node, value: item.value)
    }

    private mutating func readValue(depth: Int) throws(JSONReadError) -> Item {
        try countNode()
        let start = mark()
        guard index < bytes.count else { throw error("the text ends where a value should be", "complete it") }
        switch bytes[index] {
        case UInt8(ascii: "{"): return try readObject(depth: depth + 1, start: start)
        case UInt8(ascii: "["): return try readArray(depth: depth + 1, start: start)
        case UInt8(ascii: "\""):
            let text = try readString()
            return (DocumentNode(.scalar(DocumentScalar(text, style: .text)), at: start), .string(text))
        case UInt8(ascii: "-"), 0x30...0x39: return try readNumber(start: start)
        default: return try readWord(start: start)
        }
    }

    private mutating func readObject(depth: Int, start: SourcePosition) throws(JSONReadError) -> Item {
        try checkDepth(depth)
        index += 1
        var entries: [DocumentEntry] = []
        var members: [JSONMember] = []
        // Compared as bytes: Swift's String equality would also unite canonically equivalent spellings.
        var seen: Set<[UInt8]> = []
        skipBlanks()
        if take(UInt8(ascii: "}")) { return (DocumentNode(.mapping([]), at: start), .object([])) }
        while true {
            skipBlanks()
            let keyPosition = mark()
            guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else {
                throw error("a key must be a string in double quotes", "write \"key\": value, and no comma after the last one")
            }
            try countNode()
            let key = try readString()
            if !seen.insert(Array(key.utf8)).inserted {
                throw JSONReadError(message: "the key `\(key)` stands here twice", mend: "keep one of them", position: keyPosition)
            }
            skipBlanks()
            if !take(UInt8(ascii: ":")) { throw error("a colon must follow the key `\(key)`", "write \"\(key)\": value") }
            skipBlanks()
            let item = try readValue(depth: depth)
            entries.append(DocumentEntry(key: key, keyPosition: keyPosition, value: item.node))
            members.append(JSONMember(key, item.value))
            skipBlanks()
            if take(UInt8(ascii: "}")) { return (DocumentNode(.mapping(entries), at: start), .object(members)) }
            if !take(UInt8(ascii: ",")) { throw error("a comma or `}` must follow the value of `\(key)`", "add it") }
        }
    }

    private mutating func readArray(depth: Int, start: SourcePosition) throws(JSONReadError) -> Item {
        try checkDepth(depth)
        index += 1
        var nodes: [DocumentNode] = []
        var values: [JSONValue] = []
        skipBlanks()
        if take(UInt8(ascii: "]")) { return (DocumentNode(.sequence([]), at: start), .array([])) }
        while true {
            skipBlanks()
            let item = try readValue(depth: depth)
            nodes.append(item.node)
            values.append(item.value)
            skipBlanks()
            if take(UInt8(ascii: "]")) { return (DocumentNode(.sequence(nodes), at: start), .array(values)) }
            if !take(UInt8(ascii: ",")) { throw error("a comma or `]` must follow the item", "add it") }
        }
    }

    private mutating func readWord(start: SourcePosition) throws(JSONReadError) -> Item {
        for (word, value) in [("true", JSONValue.bool(true)), ("false", .bool(false)), ("null", .null)]
        where bytes[index...].starts(with: word.utf8) {
            index += word.utf8.count
            return (DocumentNode(.scalar(DocumentScalar(word, style: .plain)), at: start), value)
        }
        throw error("this is not a JSON value", "strings stand in double quotes; NaN, comments and single quotes do not exist")
    }

    private mutating func readNumber(start: SourcePosition) throws(JSONReadError) -> Item {
        let from = index
        _ = take(UInt8(ascii: "-"))
        var isWhole = true
        if take(0x30) {
            if index < bytes.count, (0x30...0x39).contains(bytes[index]) { throw error("a number has a leading zero", "remove it") }
        } else {
            try readDigits()
        }
        if take(UInt8(ascii: ".")) {
            isWhole = false
            try readDigits()
        }
        if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
            isWhole = false
            index += 1
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            try readDigits()
        }
        let text = String(decoding: bytes[from..<index], as: UTF8.self)
        let node = DocumentNode(.scalar(DocumentScalar(text, style: .plain)), at: start)
        if isWhole, let number = Int64(text) { return (node, .int(number)) }
        guard let number = Double(text), number.isFinite else {
            throw JSONReadError(message: "the number is too large", mend: "write it as a string", position: start)
        }
        return (node, .double(number))
    }

    private mutating func readDigits() throws(JSONReadError) {
        let from = index
        while index < bytes.count, (0x30...0x39).contains(bytes[index]) { index += 1 }
        if index == from { throw error("a digit is missing in a number", "write it in full, for example 0.5") }
    }

    private mutating func readString() throws(JSONReadError) -> String {
        let start = mark()
        index += 1
        var text: [UInt8] = []
        while index < bytes.count {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "\""):
                index += 1
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                index += 1
                try readEscape(into: &text)
            case 0..<0x20: throw error("a control character stands in a string", "write it as \\u00XX")
            default:
                text.append(byte)
                index += 1
            }
        }
        throw JSONReadError(message: "the string that starts here has no end", mend: "close it with a double quote", position: start)
    }

    private mutating func readEscape(into text: inout [UInt8]) throws(JSONReadError) {
        guard index < bytes.count else { throw error("the text ends inside an escape", "complete it") }
        let letter = bytes[index]
        index += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(letter)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var code = try readHex()
            if (0xD800...0xDBFF).contains(code), take(UInt8(ascii: "\\")) {
                guard take(UInt8(ascii: "u")) else { throw error("half of a surrogate pair", "write both halves") }
                let low = try readHex()
                guard (0xDC00...0xDFFF).contains(low) else { throw error("half of a surrogate pair", "write both halves") }
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw error("half of a surrogate pair", "write both halves") }
            text.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
        default: throw error("this escape does not exist", "JSON knows \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX")
        }
    }

    private mutating func readHex() throws(JSONReadError) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard index < bytes.count, let digit = Character(Unicode.Scalar(bytes[index])).hexDigitValue else {
                throw error("\\u needs four hexadecimal digits", "write them all")
            }
            code = code << 4 | UInt32(digit)
            index += 1
        }
        return code
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard index < bytes.count, bytes[index] == byte else { return false }
        index += 1
        return true
    }

    private mutating func skipBlanks() {
        while index < bytes.count {
            switch bytes[index] {
            case 0x0A:
                index += 1
                line += 1
                column = 1
                columnIndex = index
            case 0x20, 0x09, 0x0D: index += 1
            default: return
            }
        }
    }

    private mutating func countNode() throws(JSONReadError) {
        nodes += 1
        if nodes > bounds.nodes { throw error("there are more than \(bounds.nodes) values", "send less") }
    }

    private mutating func checkDepth(_ depth: Int) throws(JSONReadError) {
        if depth > bounds.depth { throw error("lists and objects are nested more than \(bounds.depth) deep", "nest less") }
    }

    /// Where `index` stands. Text inside strings has no line breaks, so only blanks move the line.
    private mutating func mark() -> SourcePosition {
        while columnIndex < min(index, bytes.count) {
            if bytes[columnIndex] & 0xC0 != 0x80 { column += 1 }
            columnIndex += 1
        }
        return SourcePosition(line: line, column: column)
    }

    private mutating func error(_ message: String, _ mend: String) -> JSONReadError {
        JSONReadError(message: message, mend: mend, position: mark())
    }
}
