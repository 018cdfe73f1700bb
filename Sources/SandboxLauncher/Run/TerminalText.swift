/// Makes a stream of untrusted bytes harmless for a terminal or a log: what would move the cursor, change colours, set the
/// title, reach the clipboard, answer a report or reorder text is shown as text instead.
///
/// Keeps its state between pieces, so that a character split over two reads survives.
package struct TerminalText: Sendable {
    private var pending: [UInt8] = []

    package init() {}

    /// The harmless form of the next bytes. A character that is not complete yet waits for the next call.
    package mutating func clean(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count + 16)
        let input = pending + bytes
        pending = []
        var at = 0
        while at < input.count {
            let byte = input[at]
            if byte < 0x80 {
                // A carriage return alone would let a line overwrite itself; before a newline it does nothing.
                let ends = byte == 0x0D && at + 1 < input.count && input[at + 1] == 0x0A
                if byte == 0x0D, at + 1 == input.count {
                    pending = [0x0D]
                    break
                }
                if byte >= 0x20 && byte != 0x7F || byte == 0x0A || byte == 0x09 || ends {
                    output.append(byte)
                } else {
                    output += Self.caret(byte)
                }
                at += 1
                continue
            }
            switch Self.scalar(in: input, at: at) {
            case .complete(let value, let length):
                if Self.isHarmful(value) { output += Array("<U+\(Self.hex(value))>".utf8) } else { output += input[at..<(at + length)] }
                at += length
            case .incomplete:
                pending = Array(input[at...])
                return output
            case .malformed:
                output += Array("\\x\(Self.hex(UInt32(byte), digits: 2))".utf8)
                at += 1
            }
        }
        return output
    }

    /// What was held back at the end of the stream.
    package mutating func finish() -> [UInt8] {
        let rest = pending
        pending = []
        return rest.flatMap { $0 < 0x80 ? Self.caret($0) : Array("\\x\(Self.hex(UInt32($0), digits: 2))".utf8) }
    }

    private static func caret(_ byte: UInt8) -> [UInt8] { [UInt8(ascii: "^"), byte ^ 0x40] }

    /// C1 controls, and the characters that change the direction or hide the presence of text (Unicode TR 36).
    private static func isHarmful(_ value: UInt32) -> Bool {
        switch value {
        case 0x80...0x9F, 0x061C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x2069, 0xFEFF, 0xFFF9...0xFFFB, 0xE0000...0xE007F: true
        default: false
        }
    }

    private enum Scalar {
        case complete(UInt32, length: Int)
        case incomplete, malformed
    }

    private static func scalar(in input: [UInt8], at start: Int) -> Scalar {
        let first = input[start]
        let length: Int
        let lowest: UInt32
        switch first {
        case 0xC2...0xDF: (length, lowest) = (2, 0x80)
        case 0xE0...0xEF: (length, lowest) = (3, 0x800)
        case 0xF0...0xF4: (length, lowest) = (4, 0x10000)
        default: return .malformed
        }
        var value = UInt32(first) & (0x7F >> UInt32(length))
        for offset in 1..<length {
            guard start + offset < input.count else { return .incomplete }
            let next = input[start + offset]
            guard next & 0xC0 == 0x80 else { return .malformed }
            value = value << 6 | UInt32(next & 0x3F)
        }
        guard value >= lowest, value <= 0x10FFFF, !(0xD800...0xDFFF).contains(value) else { return .malformed }
        return .complete(value, length: length)
    }

    private static func hex(_ value: UInt32, digits: Int = 4) -> String {
        let text = String(value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
