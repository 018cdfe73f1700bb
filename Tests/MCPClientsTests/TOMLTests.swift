import MCPClients
import StrictJSON
import Testing

@Suite("TOML")
struct TOMLTests {
    private func root(_ text: String) throws -> PlacedValue { try TOML.read(Array(text.utf8)) }

    @Test func `headers, dotted keys and braces make one tree`() throws {
        let root = try root(
            """
            # settings
            model = "x" # why
            at = 1979-05-27 07:32:00Z
            numbers = [ 1, -2_000, 0xff, 1e5, inf,
              # in between
            ]
            mcp_servers.dotted.command = 'a\\b'
            [mcp_servers."with space"]
            command = \"""
            two \\
               lines\"""
            args = [
              "x", # one
              '''y''',
            ]
            [mcp_servers."with space".env]
            A = "1"
            [[list]]
            n = 1
            [[list]]
            n = 2
            sub.x = true
            [list.more]
            """)
        let servers = try #require(root["mcp_servers"]?.value)
        #expect(servers["dotted"]?.value["command"]?.value.text == #"a\b"#)
        #expect(servers["with space"]?.value["command"]?.value.text == "two lines")
        #expect(servers["with space"]?.value["args"]?.value.list?.map(\.text) == ["x", "y"])
        #expect(servers["with space"]?.value["env"]?.value["A"]?.value.text == "1")
        #expect(root["list"]?.value.list?.count == 2)
        #expect(root["list"]?.value.list?.last?["sub"]?.value["x"]?.value.flag == true)
        #expect(root["list"]?.value.list?.last?["more"] != nil)
        #expect(root["numbers"]?.value.list?.count == 5)
    }

    @Test func `quotes stand inside and at the end of long strings`() throws {
        #expect(try root("a = \"\"\"\"x\"\" \"\"\"\"\"")["a"]?.value.text == "\"x\"\" \"\"")
        #expect(try root("a = ''''x'''''")["a"]?.value.text == "'x''")
    }

    @Test(arguments: [
        "a = 1\na = 2", "[a]\n[a]", "a.b = 1\n[a]", "[a.b]\n[a]\nb.c = 1", "a = {b = 1}\n[a.c]", "a = {b = 1}\na.c = 2", "[[a]]\n[a]",
        "a = 1\n[a.b]", "a = [1]\n[[a]]", "a = {b = 1, b = 2}", "a = {b = 1,}", "a = {\nb = 1}", "a = \"x\ny\"", "a = 'x", "a = yes", "a 1",
        "[a", "a = 1 b = 2", "a = \"\\q\"", "= 1", "a = \"\"\"x", "a = [1 2]", "[[a]", "a = \"\\ud800\"", "a. = 1",
    ])
    func `what is no TOML is refused`(_ text: String) {
        #expect(throws: ConfigurationReadError.self) { try root(text) }
    }

    @Test func `nesting is bounded`() {
        #expect(throws: ConfigurationReadError.self) { try root("a = " + String(repeating: "[", count: 100_000)) }
        #expect(throws: ConfigurationReadError.self) { try root(Array(repeating: "a", count: 100_000).joined(separator: ".") + " = 1") }
    }
}
