import Testing

@testable import SandboxLauncher

@Suite("Untrusted text for terminals")
struct TerminalTextTests {
    private func clean(_ pieces: [UInt8]...) -> String {
        var text = TerminalText()
        var output: [UInt8] = []
        for piece in pieces { output += piece.withUnsafeBytes { text.clean($0) } }
        output += text.finish()
        return String(decoding: output, as: UTF8.self)
    }

    @Test func `plain text, tabs and newlines stay`() {
        #expect(clean(Array("a\tb\nc ü 漢 🙂\r\n".utf8)) == "a\tb\nc ü 漢 🙂\r\n")
    }

    @Test(arguments: [
        ("\u{1B}[2J", "^[[2J"), ("\u{1B}]52;c;aGk=\u{07}", "^[]52;c;aGk=^G"), ("ab\u{08}\u{08}", "ab^H^H"), ("good\rbad", "good^Mbad"),
        ("\u{9B}31m", "<U+009B>31m"), ("\u{202E}evil", "<U+202E>evil"), ("\u{7F}", "^?"), ("end\r", "end^M"),
        ("zero\u{200B}width", "zero<U+200B>width"),
    ])
    func `what would move, colour, answer or reorder is shown instead`(_ input: String, _ expected: String) {
        #expect(clean(Array(input.utf8)) == expected)
    }

    @Test func `bytes that are no UTF-8 are shown as bytes`() {
        #expect(clean([0xFF, 0x41, 0xC0, 0xAF, 0xED, 0xA0, 0x80]) == "\\xFFA\\xC0\\xAF\\xED\\xA0\\x80")
    }

    @Test func `a character split over reads survives`() {
        let bytes = Array("🙂".utf8)
        #expect(clean([bytes[0]], [bytes[1]], [bytes[2]], [bytes[3]]) == "🙂")
        #expect(clean(Array("x\r".utf8), Array("\ny".utf8)) == "x\r\ny")
    }

    @Test func `half a character at the end is shown as bytes`() {
        #expect(clean(Array("🙂".utf8.prefix(2))) == "\\xF0\\x9F")
    }
}
