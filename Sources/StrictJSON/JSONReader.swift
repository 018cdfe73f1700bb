/// What a reader makes of the values that it meets: with positions or without. The grammar is the reader's, and only one.
protocol JSONForm {
    associatedtype Item
    associatedtype Member
    /// Whether positions are worth counting.
    static var hasPositions: Bool { get }
    static func string(_ text: String, at position: SourcePosition) -> Item
    /// A number or a word, and its spelling.
    static func plain(_ value: JSONValue, _ spelling: ArraySlice<UInt8>, at position: SourcePosition) -> Item
    static func array(_ items: [Item], at position: SourcePosition) -> Item
    static func member(_ key: String, at position: SourcePosition, _ item: Item) -> Member
    static func object(_ members: [Member], at position: SourcePosition) -> Item
}

enum PlainJSON: JSONForm {
    static var hasPositions: Bool { false }
    static func string(_ text: String, at position: SourcePosition) -> JSONValue { .string(text) }
    static func plain(_ value: JSONValue, _ spelling: ArraySlice<UInt8>, at position: SourcePosition) -> JSONValue { value }
    static func array(_ items: [JSONValue], at position: SourcePosition) -> JSONValue { .array(items) }
    static func member(_ key: String, at position: SourcePosition, _ item: JSONValue) -> JSONMember { JSONMember(key, item) }
    static func object(_ members: [JSONMember], at position: SourcePosition) -> JSONValue { .object(members) }
}

enum PlacedJSON: JSONForm {
    typealias Item = (node: DocumentNode, value: JSONValue)
    typealias Member = (entry: DocumentEntry, member: JSONMember)

    static var hasPositions: Bool { true }

    static func string(_ text: String, at position: SourcePosition) -> Item {
        (DocumentNode(.scalar(DocumentScalar(text, style: .text)), at: position), .string(text))
    }

    static func plain(_ value: JSONValue, _ spelling: ArraySlice<UInt8>, at position: SourcePosition) -> Item {
        let text = String(decoding: spelling, as: UTF8.self)
        return (DocumentNode(.scalar(DocumentScalar(text, style: .plain)), at: position), value)
    }

    static func array(_ items: [Item], at position: SourcePosition) -> Item {
        (DocumentNode(.sequence(items.map(\.node)), at: position), .array(items.map(\.value)))
    }

    static func member(_ key: String, at position: SourcePosition, _ item: Item) -> Member {
        (DocumentEntry(key: key, keyPosition: position, value: item.node), JSONMember(key, item.value))
    }

    static func object(_ members: [Member], at position: SourcePosition) -> Item {
        (DocumentNode(.mapping(members.map(\.entry)), at: position), .object(members.map(\.member)))
    }
}

struct JSONReader<Form: JSONForm> {
    private let bytes: [UInt8]
    private let bounds: DocumentBounds
    private var index = 0
    private var line = 1
    /// Column of the byte at `columnIndex`, in characters. It only moves forward, so that a long line is counted once.
    private var column = 1
    private var columnIndex = 0
    private var nodes = 0

    init(_ bytes: [UInt8], bounds: DocumentBounds) throws(JSONReadError) {
        if bytes.count > bounds.bytes {
            throw JSONReadError(
                message: "the text has \(bytes.count) bytes, \(bounds.bytes) are allowed", mend: "send less",
                position: SourcePosition(line: 1, column: 1))
        }
        if let bad = TextCheck.firstProblem(in: bytes) {
            throw JSONReadError(message: bad.message, mend: bad.mend, position: TextCheck.position(of: bad.offset, in: bytes))
        }
        self.bytes = bytes
        self.bounds = bounds
    }

    mutating func readDocument() throws(JSONReadError) -> Form.Item {
        skipBlanks()
        let item = try readValue(depth: 0)
        skipBlanks()
        if index < bytes.count { throw error("there is text after the value", "keep one value") }
        return item
    }

    private mutating func readValue(depth: Int) throws(JSONReadError) -> Form.Item {
        try countNode()
        let start = place()
        guard index < bytes.count else { throw error("the text ends where a value should be", "complete it") }
        switch bytes[index] {
        case UInt8(ascii: "{"): return try readObject(depth: depth + 1, start: start)
        case UInt8(ascii: "["): return try readArray(depth: depth + 1, start: start)
        case UInt8(ascii: "\""): return Form.string(try readString(), at: start)
        case UInt8(ascii: "-"), 0x30...0x39: return try readNumber(start: start)
        default: return try readWord(start: start)
        }
    }

    private mutating func readObject(depth: Int, start: SourcePosition) throws(JSONReadError) -> Form.Item {
        try checkDepth(depth)
        index += 1
        var members: [Form.Member] = []
        var keys = UniqueKeys()
        skipBlanks()
        if take(UInt8(ascii: "}")) { return Form.object([], at: start) }
        while true {
            skipBlanks()
            let keyPosition = place()
            let keyIndex = index
            guard index < bytes.count, bytes[index] == UInt8(ascii: "\"") else {
                throw error("a key must be a string in double quotes", "write \"key\": value, and no comma after the last one")
            }
            try countNode()
            let key = try readString()
            if !keys.insert(key) {
                throw JSONReadError(message: "the key `\(key)` stands here twice", mend: "keep one of them", position: mark(keyIndex))
            }
            skipBlanks()
            if !take(UInt8(ascii: ":")) { throw error("a colon must follow the key `\(key)`", "write \"\(key)\": value") }
            skipBlanks()
            members.append(Form.member(key, at: keyPosition, try readValue(depth: depth)))
            skipBlanks()
            if take(UInt8(ascii: "}")) { return Form.object(members, at: start) }
            if !take(UInt8(ascii: ",")) { throw error("a comma or `}` must follow the value of `\(key)`", "add it") }
        }
    }

    private mutating func readArray(depth: Int, start: SourcePosition) throws(JSONReadError) -> Form.Item {
        try checkDepth(depth)
        index += 1
        var items: [Form.Item] = []
        skipBlanks()
        if take(UInt8(ascii: "]")) { return Form.array([], at: start) }
        while true {
            skipBlanks()
            items.append(try readValue(depth: depth))
            skipBlanks()
            if take(UInt8(ascii: "]")) { return Form.array(items, at: start) }
            if !take(UInt8(ascii: ",")) { throw error("a comma or `]` must follow the item", "add it") }
        }
    }

    private mutating func readWord(start: SourcePosition) throws(JSONReadError) -> Form.Item {
        let from = index
        let value: JSONValue? =
            if takeWord("true") { .bool(true) } else if takeWord("false") { .bool(false) } else if takeWord("null") { .null } else { nil }
        if let value { return Form.plain(value, bytes[from..<index], at: start) }
        throw error("this is not a JSON value", "strings stand in double quotes; NaN, comments and single quotes do not exist")
    }

    private mutating func takeWord(_ word: StaticString) -> Bool {
        let isThere = word.withUTF8Buffer { word in
            word.count <= bytes.count - index && word.indices.allSatisfy { word[$0] == bytes[index + $0] }
        }
        if isThere { index += word.utf8CodeUnitCount }
        return isThere
    }

    private mutating func readNumber(start: SourcePosition) throws(JSONReadError) -> Form.Item {
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
        if isWhole, let number = Int64(text) { return Form.plain(.int(number), bytes[from..<index], at: start) }
        guard let number = Double(text), number.isFinite else {
            throw JSONReadError(message: "the number is too large", mend: "write it as a string", position: mark(from))
        }
        if bounds.keepsNumbers, !DecimalNumber.isKept(bytes[from..<index], as: number) {
            throw JSONReadError(
                message: "the number \(text.prefix(40)) has more digits than are kept", mend: "write it as a string", position: mark(from))
        }
        return Form.plain(.double(number), bytes[from..<index], at: start)
    }

    private mutating func readDigits() throws(JSONReadError) {
        let from = index
        while index < bytes.count, (0x30...0x39).contains(bytes[index]) { index += 1 }
        if index == from { throw error("a digit is missing in a number", "write it in full, for example 0.5") }
    }

    private mutating func readString() throws(JSONReadError) -> String {
        let start = index
        index += 1
        var text: [UInt8] = []
        while true {
            let from = index
            while index < bytes.count, bytes[index] != UInt8(ascii: "\""), bytes[index] != UInt8(ascii: "\\"), bytes[index] >= 0x20 {
                index += 1
            }
            guard index < bytes.count else { break }
            switch bytes[index] {
            case UInt8(ascii: "\""):
                index += 1
                // Most strings have no escape and need no copy of their own.
                if text.isEmpty { return String(decoding: bytes[from..<index - 1], as: UTF8.self) }
                text.append(contentsOf: bytes[from..<index - 1])
                return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"):
                text.append(contentsOf: bytes[from..<index])
                index += 1
                try readEscape(into: &text)
            default: throw error("a control character stands in a string", "write it as \\u00XX")
            }
        }
        throw JSONReadError(message: "the string that starts here has no end", mend: "close it with a double quote", position: mark(start))
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

    /// Where `index` stands, for forms that keep it.
    private mutating func place() -> SourcePosition { Form.hasPositions ? mark(index) : SourcePosition(line: 0, column: 0) }

    /// Where a byte stands that is no earlier than the last one asked for. Text inside strings has no line breaks, so only blanks move
    /// the line.
    private mutating func mark(_ offset: Int) -> SourcePosition {
        while columnIndex < min(offset, bytes.count) {
            if bytes[columnIndex] & 0xC0 != 0x80 { column += 1 }
            columnIndex += 1
        }
        return SourcePosition(line: line, column: column)
    }

    private mutating func error(_ message: String, _ mend: String) -> JSONReadError {
        JSONReadError(message: message, mend: mend, position: mark(index))
    }
}

/// The keys of one object so far. Compared as bytes: Swift's String equality would also unite canonically equivalent spellings.
private struct UniqueKeys {
    /// As long as they are few, or ascend.
    private var keys: [String] = []
    private var isAscending = true
    private var seen: Set<[UInt8]>?

    /// Looking at so many takes less than hashing one.
    private static let few = 12

    /// False when the key was there.
    mutating func insert(_ key: String) -> Bool {
        if seen == nil {
            // Keys that ascend are all different; canonical texts, which are most, have them so.
            let follows = isAscending && (keys.last.map { $0 < key } ?? true)
            if follows || keys.count < Self.few {
                if !follows, keys.contains(where: { $0 == key && $0.utf8.elementsEqual(key.utf8) }) { return false }
                isAscending = follows
                keys.append(key)
                return true
            }
            seen = Set(keys.map { Array($0.utf8) })
        }
        return seen?.insert(Array(key.utf8)).inserted ?? true
    }
}
