import ModelContextProtocol
import Testing

struct RequestIDTests {
    @Test("a number is one id however it was made", arguments: [0, 7, -1, Int64.min, .max])
    func numbers(_ number: Int64) {
        let id = RequestID(number)
        #expect(id == RequestID(canonical: Array(String(number).utf8)))
        #expect(id.text == String(number) && id.bytes == Array(String(number).utf8))
        #expect(id != RequestID(String(number)))
    }

    @Test("what is no canonical number is kept as it was written", arguments: ["1.0", "1e2", "9223372036854775808", "-0", "007", #""a""#])
    func others(_ text: String) {
        #expect(RequestID(canonical: Array(text.utf8)).text == text)
    }

    @Test(
        "words are found where they are",
        arguments: [("", false), ("a", false), ("xtools/call", true), ("tools/cal", false), ("ttools/call.", true)])
    func words(_ text: String, _ isThere: Bool) {
        #expect(Array(text.utf8).withUnsafeBytes { WordSearch.holds($0, "tools/call") } == isThere)
    }
}
