/// What no text document may hold, whichever its syntax.
package enum TextCheck {
    package struct Problem {
        package var offset: Int
        package var message: String
        package var mend: String
    }

    package static func firstProblem(in bytes: [UInt8]) -> Problem? {
        if isPlain(bytes) { return nil }
        if let offset = firstInvalidUTF8(in: bytes) {
            return Problem(offset: offset, message: "the text is not UTF-8", mend: "save the file as UTF-8")
        }
        if let offset = firstNUL(in: bytes) {
            return Problem(offset: offset, message: "the text holds a NUL byte", mend: "remove it")
        }
        return nil
    }

    /// Whether it is all ASCII without a NUL: nearly every text is, and one look tells.
    private static func isPlain(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { raw in
            var index = 0
            while index + 8 <= raw.count {
                let word = raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                // A byte of 0 borrows from its own highest bit, one of 0x80 and above has it.
                if (word | (word &- 0x0101_0101_0101_0101)) & 0x8080_8080_8080_8080 != 0 { return false }
                index += 8
            }
            return raw[index...].allSatisfy { $0 != 0 && $0 < 0x80 }
        }
    }

    /// Offset of the first byte that does not belong to well-formed UTF-8 (no overlong forms, no surrogates).
    static func firstInvalidUTF8(in bytes: [UInt8]) -> Int? {
        var index = 0
        while index < bytes.count {
            if bytes[index] < 0x80 {
                index += 1
                index = skip(bytes, from: index) { $0 & 0x8080_8080_8080_8080 == 0 }
                continue
            }
            let length = sequenceLength(bytes, at: index)
            if length == 0 { return index }
            index += length
        }
        return nil
    }

    private static func firstNUL(in bytes: [UInt8]) -> Int? {
        // Not zero where some byte is: taking one from each byte borrows there first.
        let rest = skip(bytes, from: 0) { ($0 &- 0x0101_0101_0101_0101) & ~$0 & 0x8080_8080_8080_8080 == 0 }
        return bytes[rest...].firstIndex(of: 0)
    }

    /// The first index from which eight bytes at once are not plain any more. Texts are long, and nearly all of them is.
    private static func skip(_ bytes: [UInt8], from start: Int, while isPlain: (UInt64) -> Bool) -> Int {
        bytes.withUnsafeBytes { raw in
            var index = start
            while index + 8 <= raw.count, isPlain(raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)) { index += 8 }
            return index
        }
    }

    /// Length of the well-formed sequence that starts here; 0 when there is none (Unicode 15, table 3-7).
    static func sequenceLength(_ bytes: [UInt8], at index: Int) -> Int {
        let lead = bytes[index]
        func continues(_ offset: Int, _ range: ClosedRange<UInt8> = 0x80...0xBF) -> Bool {
            index + offset < bytes.count && range.contains(bytes[index + offset])
        }
        switch lead {
        case 0x00...0x7F: return 1
        case 0xC2...0xDF: return continues(1) ? 2 : 0
        case 0xE0: return continues(1, 0xA0...0xBF) && continues(2) ? 3 : 0
        case 0xED: return continues(1, 0x80...0x9F) && continues(2) ? 3 : 0
        case 0xE1...0xEF: return continues(1) && continues(2) ? 3 : 0
        case 0xF0: return continues(1, 0x90...0xBF) && continues(2) && continues(3) ? 4 : 0
        case 0xF1...0xF3: return continues(1) && continues(2) && continues(3) ? 4 : 0
        case 0xF4: return continues(1, 0x80...0x8F) && continues(2) && continues(3) ? 4 : 0
        default: return 0
        }
    }

    /// Line and column (in characters) of a byte offset.
    package static func position(of offset: Int, in bytes: [UInt8]) -> SourcePosition {
        var line = 1
        var column = 1
        for byte in bytes.prefix(offset) {
            if byte == 0x0A {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
        }
        return SourcePosition(line: line, column: column)
    }
}
