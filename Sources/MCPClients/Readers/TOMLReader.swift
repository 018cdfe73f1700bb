internal import StrictJSON

/// TOML 1.0, read for its strings, lists and tables; numbers and dates are checked for their characters alone. The result is one tree,
/// in which a table has members from headers, dotted keys and braces alike, each with its own place.
package enum TOML {
    package static func read(_ bytes: [UInt8]) throws(ConfigurationReadError) -> PlacedValue {
        var reader = TOMLReader(text: try ConfigurationText(bytes))
        return try reader.document()
    }
}

private struct TOMLReader {
    var text: ConfigurationText
    private var tables = TOMLTables()

    init(text: ConfigurationText) { self.text = text }

    mutating func document() throws(ConfigurationReadError) -> PlacedValue {
        while true {
            try skipLines()
            guard let byte = text.current else { return tables.root() }
            if byte == UInt8(ascii: "[") { try header() } else { try assignment() }
            try endOfLine()
        }
    }

    // MARK: - Lines

    private mutating func header() throws(ConfigurationReadError) {
        let start = text.index
        text.index += 1
        let isList = text.take(UInt8(ascii: "["))
        skipBlanks()
        let key = try key()
        skipBlanks()
        guard text.take(UInt8(ascii: "]")), !isList || text.take(UInt8(ascii: "]")) else {
            throw text.error("the table's name must end with `\(isList ? "]]" : "]")`")
        }
        if let problem = tables.open(key.parts, isList: isList) { throw text.error(problem, at: start) }
    }

    private mutating func assignment() throws(ConfigurationReadError) {
        let start = text.index
        let (key, value) = try pair(depth: 0)
        let member = PlacedMember(
            key: key.parts[key.parts.count - 1], keySpan: key.span, prefixSpan: key.prefix, value: value, isInline: false)
        if let problem = tables.assign(key.parts, member) { throw text.error(problem, at: start) }
    }

    private mutating func pair(depth: Int) throws(ConfigurationReadError) -> (TOMLKey, PlacedValue) {
        try text.countNode()
        let key = try key()
        skipBlanks()
        guard text.take(UInt8(ascii: "=")) else { throw text.error("`=` must follow the key") }
        skipBlanks()
        return (key, try value(depth: depth))
    }

    // MARK: - Keys

    private struct TOMLKey {
        var parts: [String]
        var span: Range<Int>
        var prefix: Range<Int>
    }

    private mutating func key() throws(ConfigurationReadError) -> TOMLKey {
        let start = text.index
        var parts: [String] = []
        while true {
            let partStart = text.index
            switch text.current {
            case UInt8(ascii: "\"")? where !text.follows("\"\"\""): parts.append(try basic())
            case UInt8(ascii: "'")? where !text.follows("'''"): parts.append(try literal())
            default:
                while let byte = text.current, Self.isBare(byte) { text.index += 1 }
                guard text.index > partStart else { throw text.error("a key must stand here") }
                parts.append(String(decoding: text.bytes[partStart..<text.index], as: UTF8.self))
            }
            let end = text.index
            skipBlanks()
            guard text.take(UInt8(ascii: ".")) else {
                text.index = end
                return TOMLKey(parts: parts, span: start..<end, prefix: start..<partStart)
            }
            try text.checkDepth(parts.count)
            skipBlanks()
        }
    }

    private static func isBare(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == UInt8(ascii: "_")
            || byte == UInt8(ascii: "-")
    }

    // MARK: - Values

    private mutating func value(depth: Int) throws(ConfigurationReadError) -> PlacedValue {
        try text.countNode()
        try text.checkDepth(depth)
        let start = text.index
        switch text.current {
        case UInt8(ascii: "\"")?:
            let string = text.follows("\"\"\"") ? try lines(UInt8(ascii: "\"")) : try basic()
            return PlacedValue(.text(string), start..<text.index)
        case UInt8(ascii: "'")?:
            let string = text.follows("'''") ? try lines(UInt8(ascii: "'")) : try literal()
            return PlacedValue(.text(string), start..<text.index)
        case UInt8(ascii: "[")?: return try list(depth: depth)
        case UInt8(ascii: "{")?: return try inlineTable(depth: depth)
        default: return try word()
        }
    }

    private mutating func word() throws(ConfigurationReadError) -> PlacedValue {
        let start = text.index
        while let byte = text.current, Self.isBare(byte) || "+:.".utf8.contains(byte) { text.index += 1 }
        // A date and a time may be parted by one space.
        if text.index - start == 10, text.current == 0x20, text.index + 1 < text.bytes.count,
            (0x30...0x39).contains(text.bytes[text.index + 1])
        {
            text.index += 1
            while let byte = text.current, Self.isBare(byte) || "+:.".utf8.contains(byte) { text.index += 1 }
        }
        let spelling = text.bytes[start..<text.index]
        if spelling.elementsEqual("true".utf8) { return PlacedValue(.flag(true), start..<text.index) }
        if spelling.elementsEqual("false".utf8) { return PlacedValue(.flag(false), start..<text.index) }
        let unsigned = spelling.first.map { "+-".utf8.contains($0) } == true ? spelling.dropFirst() : spelling
        guard let first = unsigned.first,
            (0x30...0x39).contains(first) || unsigned.elementsEqual("inf".utf8) || unsigned.elementsEqual("nan".utf8)
        else { throw text.error("this is not a TOML value", at: start) }
        return PlacedValue(.other, start..<text.index)
    }

    private mutating func list(depth: Int) throws(ConfigurationReadError) -> PlacedValue {
        let start = text.index
        text.index += 1
        var items: [PlacedValue] = []
        try skipLines()
        while !text.take(UInt8(ascii: "]")) {
            items.append(try value(depth: depth + 1))
            try skipLines()
            if text.take(UInt8(ascii: ",")) {
                try skipLines()
            } else if text.current != UInt8(ascii: "]") {
                throw text.error("a comma or `]` must stand here")
            }
        }
        return PlacedValue(.list(items), start..<text.index)
    }

    private mutating func inlineTable(depth: Int) throws(ConfigurationReadError) -> PlacedValue {
        let start = text.index
        text.index += 1
        var own = TOMLTables()
        skipBlanks()
        if text.take(UInt8(ascii: "}")) { return PlacedValue(.table([]), start..<text.index) }
        while true {
            let at = text.index
            let (key, value) = try pair(depth: depth + 1)
            let member = PlacedMember(
                key: key.parts[key.parts.count - 1], keySpan: key.span, prefixSpan: key.prefix, value: value, isInline: true)
            if let problem = own.assign(key.parts, member) { throw text.error(problem, at: at) }
            skipBlanks()
            if text.take(UInt8(ascii: "}")) { break }
            guard text.take(UInt8(ascii: ",")) else { throw text.error("a comma or `}` must stand here") }
            skipBlanks()
        }
        return PlacedValue(own.root().content, start..<text.index)
    }

    // MARK: - Strings

    private mutating func literal() throws(ConfigurationReadError) -> String {
        let start = text.index
        text.index += 1
        while let byte = text.current, byte != UInt8(ascii: "'") {
            try checkCharacter(byte)
            text.index += 1
        }
        guard text.take(UInt8(ascii: "'")) else { throw text.error("the string that starts here has no end", at: start) }
        return String(decoding: text.bytes[start + 1..<text.index - 1], as: UTF8.self)
    }

    private mutating func basic() throws(ConfigurationReadError) -> String {
        let start = text.index
        text.index += 1
        var result: [UInt8] = []
        while let byte = text.current {
            if text.take(UInt8(ascii: "\"")) { return String(decoding: result, as: UTF8.self) }
            if text.take(UInt8(ascii: "\\")) {
                try escape(into: &result)
                continue
            }
            try checkCharacter(byte)
            result.append(byte)
            text.index += 1
        }
        throw text.error("the string that starts here has no end", at: start)
    }

    /// Between three quotes of either kind.
    private mutating func lines(_ quote: UInt8) throws(ConfigurationReadError) -> String {
        let start = text.index
        text.index += 3
        if text.follows("\r\n") { text.index += 2 } else { _ = text.take(0x0A) }
        var result: [UInt8] = []
        while let byte = text.current {
            if byte == quote {
                var count = 0
                while text.take(quote) { count += 1 }
                // Up to two quotes may stand right before the three that end it.
                if count > 5 { throw text.error("too many quotes at the end of a string") }
                result += Array(repeating: quote, count: count < 3 ? count : count - 3)
                if count >= 3 { return String(decoding: result, as: UTF8.self) }
                continue
            }
            if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                text.index += 1
                if !trimmedLineEnd() { try escape(into: &result) }
                continue
            }
            if byte != 0x0A, !(byte == 0x0D && text.follows("\r\n")) { try checkCharacter(byte) }
            result.append(byte)
            text.index += 1
        }
        throw text.error("the string that starts here has no end", at: start)
    }

    /// After a backslash: the end of a line and all blanks that follow are left out.
    private mutating func trimmedLineEnd() -> Bool {
        let start = text.index
        skipBlanks()
        guard text.current == 0x0A || text.follows("\r\n") else {
            text.index = start
            return false
        }
        while let byte = text.current, [0x20, 0x09, 0x0A, 0x0D].contains(byte) { text.index += 1 }
        return true
    }

    private mutating func escape(into result: inout [UInt8]) throws(ConfigurationReadError) {
        guard let letter = text.current else { throw text.error("the text ends inside an escape") }
        text.index += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): result.append(letter)
        case UInt8(ascii: "b"): result.append(0x08)
        case UInt8(ascii: "f"): result.append(0x0C)
        case UInt8(ascii: "n"): result.append(0x0A)
        case UInt8(ascii: "r"): result.append(0x0D)
        case UInt8(ascii: "t"): result.append(0x09)
        case UInt8(ascii: "u"), UInt8(ascii: "U"):
            guard let scalar = Unicode.Scalar(try text.hexadecimal(letter == UInt8(ascii: "u") ? 4 : 8)) else {
                throw text.error("the escape names no character")
            }
            result += String(Character(scalar)).utf8
        default: throw text.error("this escape does not exist", at: text.index - 1)
        }
    }

    private func checkCharacter(_ byte: UInt8) throws(ConfigurationReadError) {
        if byte < 0x20 && byte != 0x09 || byte == 0x7F { throw text.error("a control character stands where none may") }
    }

    // MARK: - Blanks

    private mutating func skipBlanks() {
        while let byte = text.current, byte == 0x20 || byte == 0x09 { text.index += 1 }
    }

    private mutating func comment() throws(ConfigurationReadError) {
        guard text.current == UInt8(ascii: "#") else { return }
        while let byte = text.current, byte != 0x0A, !text.follows("\r\n") {
            try checkCharacter(byte)
            text.index += 1
        }
    }

    private mutating func skipLines() throws(ConfigurationReadError) {
        while true {
            skipBlanks()
            try comment()
            if text.follows("\r\n") { text.index += 2 } else if !text.take(0x0A) { return }
        }
    }

    private mutating func endOfLine() throws(ConfigurationReadError) {
        skipBlanks()
        try comment()
        if text.current == nil || text.take(0x0A) { return }
        guard text.follows("\r\n") else { throw text.error("the line must end here") }
        text.index += 2
    }
}
