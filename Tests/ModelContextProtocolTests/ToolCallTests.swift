import ModelContextProtocol
import StrictJSON
import Testing

@Suite struct ToolCallTests {
    static let bounds = DocumentBounds(bytes: 1 << 20, depth: 32, nodes: 1000)

    static func read(_ params: String) throws -> ToolCall {
        try ToolCall.read(Array("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":\(params)}".utf8), bounds: bounds)
    }

    @Test("a call is its name and its arguments") func plain() throws {
        #expect(try Self.read(#"{"name":"a","arguments":{"x":1}}"#) == ToolCall(name: "a", arguments: .object(["x": .int(1)])))
        #expect(try Self.read(#"{"name":"a","_meta":{"progressToken":1}}"#) == ToolCall(name: "a"))
        #expect(try Self.read(#"{"name":"a","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#).isStateless)
    }

    @Test(
        "a call that could be another one is refused",
        arguments: [
            #"{"name":"a","Name":"b"}"#, #"{"name":"a","NAME":"b"}"#, #"{"name":"a","argument\#u{17F}":{}}"#,
            #"{"name":"a","arguments":[]}"#,
            #"{"name":7}"#, #"{"arguments":{}}"#, #"{"name":"a","arguments":{"p":1,"p":2}}"#, #"{"name":"a","name":"b"}"#,
        ])
    func refused(_ params: String) {
        #expect { try Self.read(params) } throws: { ($0 as? MessageProblem)?.code == -32602 }
    }

    @Test(
        "a number that would be rounded is refused: the server would get another one than was shown and decided",
        arguments: [
            "18446744073709551616", "184467440737095517394", "-9223372036854775809", "0.1000000000000000000001", "9007199254740993.0",
            "123456789012345678e3", "1.00000000000000000001e30",
        ])
    func rounded(_ number: String) {
        #expect { try Self.read("{\"name\":\"pay\",\"arguments\":{\"amount\":\(number)}}") } throws: {
            ($0 as? MessageProblem)?.code == -32602
        }
    }

    @Test(
        "a number that is kept goes through",
        arguments: ["9223372036854775807", "0.1", "1e20", "1.50", "-0.0", "0.000120", "2.5E-3", "0e9", "100e-2"])
    func kept(_ number: String) throws {
        let call = try Self.read("{\"name\":\"pay\",\"arguments\":{\"amount\":\(number)}}")
        #expect(call.arguments["amount"] != nil)
    }

    @Test("a list of tools is read, and written again with others in it") func listing() throws {
        let line =
            #"{"id":2,"jsonrpc":"2.0","result":{"nextCursor":"n","tools":[{"_meta":{"k":1},"description":"A","inputSchema":{"type":"object"},"name":"a"},{"description":"B","name":"b"}]}}"#
        let listing = try ToolListing.read(Array(line.utf8), bounds: Self.bounds)
        #expect(listing.tools.map(\.name) == ["a", "b"])
        #expect(listing.tools[0].content["_meta"] == nil)
        #expect(String(decoding: listing.line(showing: listing.tools), as: UTF8.self) == line)
        let other = ToolDefinition(name: "b", content: .object(["name": .string("b"), "description": .string("old")]))
        let shown = String(decoding: listing.line(showing: [other]), as: UTF8.self)
        #expect(shown == #"{"id":2,"jsonrpc":"2.0","result":{"nextCursor":"n","tools":[{"description":"old","name":"b"}]}}"#)
    }

    @Test("a list that says two things about one tool is none") func twins() {
        for tools in [#"[{"name":"a"},{"name":"a"}]"#, #"[{"title":"a"}]"#, #"[7]"#, #"{}"#] {
            let line = Array("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":\(tools)}}".utf8)
            #expect(throws: MessageProblem.self) { try ToolListing.read(line, bounds: Self.bounds) }
        }
    }

    @Test("a relay's own messages are messages, in both families") func replies() throws {
        let facts = JSONValue.object(["decision": .string("deny")])
        let old = Reply.refusal(RequestID("q"), ToolCall(name: "a"), text: "no", facts: facts)
        #expect(
            String(decoding: old, as: UTF8.self)
                == #"{"jsonrpc":"2.0","id":"q","result":{"_meta":{"glovebox/decision":{"decision":"deny"}},"content":[{"text":"no","type":"text"}],"isError":true}}"#
                + "\n")
        let new = Reply.refusal(RequestID(1), ToolCall(name: "a", isStateless: true), text: "no", facts: facts)
        #expect(String(decoding: new, as: UTF8.self).contains(#""resultType":"complete""#))
        for line in [old, new, Reply.error(nil, .timedOut, "x\n"), Reply.cancelled(RequestID(3), reason: "\"")] {
            #expect(line.last == 0x0A && line.dropLast().allSatisfy { $0 != 0x0A })
            _ = try Message.read(Array(line.dropLast()))
        }
    }
}
