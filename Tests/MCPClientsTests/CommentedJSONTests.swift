import MCPClients
import StrictJSON
import Testing

@Suite("JSON with comments")
struct CommentedJSONTests {
    private func value(_ text: String) throws -> PlacedValue? { try CommentedJSON.read(Array(text.utf8)) }

    @Test func `comments, a byte order mark, carriage returns and a last comma are let through`() throws {
        let text =
            "\u{FEFF}// first\r\n{\r\n\t\"a\": [1, -2.5e+3, /* two */ \"x\",],\r\n  \"b\": {\"c\": true, \"d\": null,}, // last\r\n}\r\n"
        let root = try #require(try value(text))
        #expect(root["a"]?.value.list?.count == 3)
        #expect(root["b"]?.value["c"]?.value.flag == true)
        let span = try #require(root["a"]?.value.list?.last?.span)
        #expect(Array(text.utf8)[span].elementsEqual("\"x\"".utf8))
    }

    @Test func `escapes become what they stand for`() throws {
        #expect(try value(#""\u00e9\ud83d\ude00\n\/\\\"""#)?.text == "é😀\n/\\\"")
    }

    @Test func `nothing but blanks and comments is nothing`() throws {
        #expect(try value(" \n// x\n/* y */") == nil)
        #expect(try value("") == nil)
    }

    @Test(arguments: ["\r", "\u{2028}", "\u{2029}"])
    func `a comment that ends for some readers and not for others is refused`(_ sign: String) throws {
        let error = try #require(throws: ConfigurationReadError.self) { try value("{// x\(sign)\"a\": 1\n}") }
        #expect("\(error)".hasPrefix("1:6: "), "\(error)")
        #expect(try value("{/* \(sign) */}") != nil)
    }

    @Test(arguments: [
        ("{\"a\": 1, \"a\": 2}", "1:10"), ("{,}", "1:2"), ("[1,,2]", "1:4"), ("{\"a\" 1}", "1:6"), ("{\n  \"a\": 01}", "2:9"),
        ("/* x", "1:1"), ("\"\\ud800\"", "1:8"), ("[1] 2", "1:5"), ("{'a': 1}", "1:2"), ("\"a\nb\"", "1:3"), ("nul", "1:1"), ("{", "1:2"),
    ])
    func `what is no JSON is refused with its place`(_ text: String, _ place: String) throws {
        let error = try #require(throws: ConfigurationReadError.self) { try value(text) }
        #expect("\(error)".hasPrefix(place + ": "), "\(error)")
    }

    @Test func `what is nested too deep or no UTF-8 is refused`() {
        #expect(throws: ConfigurationReadError.self) { try value(String(repeating: "[", count: 100_000)) }
        #expect(throws: ConfigurationReadError.self) { try CommentedJSON.read([0x22, 0xFF, 0x22]) }
    }
}
