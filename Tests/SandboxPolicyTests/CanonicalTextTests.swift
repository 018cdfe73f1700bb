internal import StrictJSON
internal import Testing

/// The text that hashes are made of.
@Suite struct CanonicalTextTests {
    /// By one byte after the other, as the rules say it.
    private func plain(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\u{8}": result += "\\b"
            case "\t": result += "\\t"
            case "\n": result += "\\n"
            case "\u{C}": result += "\\f"
            case "\r": result += "\\r"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    @Test func `every character is escaped or not as the rules say, wherever it stands`() {
        for value in UInt32(0)...0x2FF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            for before in 0...9 {
                let text = String(repeating: "x", count: before) + String(scalar) + "y\n\u{80}\u{7F} " + String(scalar) + "12345678"
                #expect(JSONValue.string(text).canonicalText == plain(text))
                #expect(JSONValue.string(text).canonicalByteCount == plain(text).utf8.count)
            }
        }
    }

    @Test func `texts of bytes at random`() {
        var random = SeededGenerator(state: 7)
        let scalars: [Unicode.Scalar] = [
            "a", "\"", "\\", "\n", "\u{1F}", " ", "!", "#", "[", "]", "\u{7F}", "\u{80}", "é", "\u{2028}", "🦊",
        ]
        for _ in 0..<2_000 {
            var text = ""
            for _ in 0..<Int.random(in: 0...40, using: &random) {
                text.unicodeScalars.append(scalars[Int.random(in: 0..<scalars.count, using: &random)])
            }
            #expect(JSONValue.string(text).canonicalText == plain(text))
            #expect(JSONValue.string(text).canonicalByteCount == plain(text).utf8.count)
        }
    }

    @Test func `a value is identical to itself and to nothing that is written otherwise`() {
        let inner = JSONValue.array([.string("\u{E9}"), .int(1)])
        let value = JSONValue.object(["a": inner, "b": inner])
        #expect(value.isIdentical(to: value) && value.isIdentical(to: .object(["a": .array([.string("\u{E9}"), .int(1)]), "b": inner])))
        #expect(!value.isIdentical(to: .object(["a": .array([.string("e\u{301}"), .int(1)]), "b": inner])), "equivalent is not the same")
        #expect(JSONValue.array([]).isIdentical(to: .array([])) && !JSONValue.array([]).isIdentical(to: .object([])))
    }
}
