internal import StrictJSON

/// JSON as editors let people write it: with comments, commas after the last item and a byte order mark. Otherwise as strict as
/// `StrictJSON`; a key that is there twice is refused, because programs differ in which one they take.
package enum CommentedJSON {
    /// Nil when there is nothing but blanks and comments.
    package static func read(_ bytes: [UInt8]) throws(ConfigurationReadError) -> PlacedValue? {
        var reader = CommentedJSONReader(text: try ConfigurationText(bytes))
        return try reader.document()
    }
}

private struct CommentedJSONReader {
    var text: ConfigurationText

    mutating func document() throws(ConfigurationReadError) -> PlacedValue? {
        try skip()
        if text.current == nil { return nil }
        let value = try value(depth: 0)
        try skip()
        if text.current != nil { throw text.error("there is text after the value") }
        return value
    }

    private mutating func value(depth: Int) throws(ConfigurationReadError) -> PlacedValue {
        try text.countNode()
        try text.checkDepth(depth)
        let start = text.index
        switch text.current {
        case UInt8(ascii: "{")?: return try object(depth: depth)
        case UInt8(ascii: "[")?: return try array(depth: depth)
        case UInt8(ascii: "\"")?:
            let string = try string()
            return PlacedValue(.text(string), start..<text.index)
        case UInt8(ascii: "-")?, (0x30...0x39)?:
            try number()
            return PlacedValue(.other, start..<text.index)
        case nil: throw text.error("the text ends where a value should be")
        default:
            for (word, content) in [("true", PlacedValue.Content.flag(true)), ("false", .flag(false)), ("null", .other)] {
                let end = text.index + word.utf8.count
                if end <= text.bytes.count, text.bytes[text.index..<end].elementsEqual(word.utf8) {
                    text.index = end
                    return PlacedValue(content, start..<end)
                }
            }
            throw text.error("this is not a JSON value")
        }
    }

    private mutating func object(depth: Int) throws(ConfigurationReadError) -> PlacedValue {
        let start = text.index
        text.index += 1
        var members: [PlacedMember] = []
        var keys = KnownKeys()
        try skip()
        while !text.take(UInt8(ascii: "}")) {
            let keyStart = text.index
            guard text.current == UInt8(ascii: "\"") else { throw text.error("a key in double quotes must stand here") }
            let key = try string()
            let keySpan = keyStart..<text.index
            guard keys.insert(key) else { throw text.error("the key `\(key.prefix(64))` is there twice", at: keyStart) }
            try skip()
            guard text.take(UInt8(ascii: ":")) else { throw text.error("a colon must follow the key") }
            try skip()
            let value = try value(depth: depth + 1)
            members.append(PlacedMember(key: key, keySpan: keySpan, prefixSpan: keyStart..<keyStart, value: value, isInline: true))
            try skip()
            if text.take(UInt8(ascii: ",")) {
                try skip()
            } else if text.current != UInt8(ascii: "}") {
                throw text.error("a comma or `}` must stand here")
            }
        }
        return PlacedValue(.table(members), start..<text.index)
    }

    private mutating func array(depth: Int) throws(ConfigurationReadError) -> PlacedValue {
        let start = text.index
        text.index += 1
        var items: [PlacedValue] = []
        try skip()
        while !text.take(UInt8(ascii: "]")) {
            items.append(try value(depth: depth + 1))
            try skip()
            if text.take(UInt8(ascii: ",")) {
                try skip()
            } else if text.current != UInt8(ascii: "]") {
                throw text.error("a comma or `]` must stand here")
            }
        }
        return PlacedValue(.list(items), start..<text.index)
    }

    private mutating func number() throws(ConfigurationReadError) {
        _ = text.take(UInt8(ascii: "-"))
        if text.take(UInt8(ascii: "0")) {
            if let next = text.current, (0x30...0x39).contains(next) { throw text.error("a number has a leading zero") }
        } else {
            try digits()
        }
        if text.take(UInt8(ascii: ".")) { try digits() }
        if text.take(UInt8(ascii: "e")) || text.take(UInt8(ascii: "E")) {
            if !text.take(UInt8(ascii: "+")) { _ = text.take(UInt8(ascii: "-")) }
            try digits()
        }
    }

    private mutating func digits() throws(ConfigurationReadError) {
        let start = text.index
        while let byte = text.current, (0x30...0x39).contains(byte) { text.index += 1 }
        if text.index == start { throw text.error("a digit is missing in a number") }
    }

    private mutating func string() throws(ConfigurationReadError) -> String {
        let start = text.index
        text.index += 1
        var result: [UInt8] = []
        while let byte = text.current {
            text.index += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: result, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &result)
            case 0..<0x20: throw text.error("a control character stands in a string", at: text.index - 1)
            default: result.append(byte)
            }
        }
        throw text.error("the string that starts here has no end", at: start)
    }

    private mutating func escape(into result: inout [UInt8]) throws(ConfigurationReadError) {
        guard let letter = text.current else { throw text.error("the text ends inside an escape") }
        text.index += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): result.append(letter)
        case UInt8(ascii: "b"): result.append(0x08)
        case UInt8(ascii: "f"): result.append(0x0C)
        case UInt8(ascii: "n"): result.append(0x0A)
        case UInt8(ascii: "r"): result.append(0x0D)
        case UInt8(ascii: "t"): result.append(0x09)
        case UInt8(ascii: "u"):
            var code = try text.hexadecimal(4)
            if (0xD800...0xDBFF).contains(code) {
                guard text.take(UInt8(ascii: "\\")), text.take(UInt8(ascii: "u")) else { throw text.error("half of a surrogate pair") }
                let low = try text.hexadecimal(4)
                guard (0xDC00...0xDFFF).contains(low) else { throw text.error("half of a surrogate pair") }
                code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw text.error("half of a surrogate pair") }
            result += String(Character(scalar)).utf8
        default: throw text.error("this escape does not exist", at: text.index - 1)
        }
    }

    /// Editors end a comment also at signs that other programs read over: to one of them, what follows would be part of the file.
    private mutating func lineComment() throws(ConfigurationReadError) {
        while let byte = text.current, byte != 0x0A {
            let isLoneReturn = byte == 0x0D && text.index + 1 < text.bytes.count && text.bytes[text.index + 1] != 0x0A
            if isLoneReturn || text.follows("\u{2028}") || text.follows("\u{2029}") {
                throw text.error("a comment holds a sign that ends it for some programs and not for others; put a line feed there")
            }
            text.index += 1
        }
    }

    /// Blanks and comments.
    private mutating func skip() throws(ConfigurationReadError) {
        while let byte = text.current {
            switch byte {
            case 0x20, 0x09, 0x0A, 0x0D: text.index += 1
            case UInt8(ascii: "/") where text.follows("//"):
                try lineComment()
            case UInt8(ascii: "/") where text.follows("/*"):
                let start = text.index
                text.index += 2
                while text.current != nil, !text.follows("*/") { text.index += 1 }
                if text.current == nil { throw text.error("the comment that starts here has no end", at: start) }
                text.index += 2
            default: return
            }
        }
    }
}
