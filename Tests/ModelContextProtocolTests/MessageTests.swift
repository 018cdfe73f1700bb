import ModelContextProtocol
import StrictJSON
import Testing

@Suite struct MessageTests {
    static func read(_ text: String) throws -> Message { try Message.read(Array(text.utf8)) }

    @Test(
        "messages of both protocol families are told apart",
        arguments: [
            (
                #"{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"c","version":"0.1.0"},"io.modelcontextprotocol/clientCapabilities":{"elicitation":{"form":{},"url":{}}}}}}"#,
                Message.Kind.request(RequestID(1), method: "server/discover")
            ),
            (
                #"{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":false}},"ttlMs":0,"cacheScope":"private","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"s","version":"0.1.0"}}}}"#,
                .result(RequestID(1))
            ),
            (
                #"{"jsonrpc":"2.0","id":3,"result":{"resultType":"input_required","inputRequests":{"approval":{"method":"elicitation/create","params":{"mode":"form","message":"Allow?","requestedSchema":{"type":"object","properties":{"decision":{"type":"string"}}}}}},"requestState":"AAAA"}}"#,
                .result(RequestID(3))
            ),
            (
                #"{"jsonrpc":"2.0","id":4,"method":"tools/call","params":{"name":"run","arguments":{"cmd":"ls"},"inputResponses":{"approval":{"action":"accept","content":{"decision":"allow_once"}}},"requestState":"AAAA","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}}"#,
                .request(RequestID(4), method: "tools/call")
            ),
            (
                #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":3,"progress":1,"total":2,"message":"half"}}"#,
                .notification(method: "notifications/progress")
            ),
            (
                #"{"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{"sampling":{},"roots":{"listChanged":true}},"clientInfo":{"name":"c","version":"1"}},"jsonrpc":"2.0","id":0}"#,
                .request(RequestID(0), method: "initialize")
            ),
            (#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, .notification(method: "notifications/initialized")),
            (
                #"{"jsonrpc":"2.0","id":"elicit-1","method":"elicitation/create","params":{"message":"Name?","requestedSchema":{"type":"object","properties":{}}}}"#,
                .request(RequestID("elicit-1"), method: "elicitation/create")
            ),
            (#"{"jsonrpc":"2.0","id":"elicit-1","result":{"action":"accept","content":{}}}"#, .result(RequestID("elicit-1"))),
            (#"{"jsonrpc":"2.0","id":5,"error":{"code":-32602,"message":"Unknown tool: x"}}"#, .error(RequestID(5))),
            (#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}"#, .error(nil)),
            (" {\t\"jsonrpc\" : \"2.0\" , \"id\" : 9, \"method\" : \"ping\" }\r", .request(RequestID(9), method: "ping")),
        ])
    func golden(_ text: String, _ kind: Message.Kind) throws {
        #expect(try Self.read(text).kind == kind)
        // What is told apart without decoding is JSON to a strict reader as well.
        _ = try JSONDocument.value(of: Array(text.utf8), bounds: DocumentBounds(bytes: 1 << 20, depth: 32, nodes: 1000))
    }

    @Test(
        "what two readers could understand differently is no message",
        arguments: [
            (#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call"}"#, MessageProblem.Rule.notJSONRPC),
            (#"{"jsonrpc":"2.0","id":1,"method":"ping","Method":"tools/call"}"#, .notJSONRPC),
            (#"{"jsonrpc":"2.0","id":1,"method":"ping","m\u0065thod":"tools/call"}"#, .notJSONRPC),
            (#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, .notJSONRPC),
            (#"{"jsonrpc":"2.0","id":null,"method":"tools/call"}"#, .notJSONRPC),
            (#"{"jsonrpc":"2.0","id":{},"method":"tools/call"}"#, .notJSONRPC),
            (#"{"jsonrpc":"2.0","id":1,"method":"a","result":{}}"#, .notJSONRPC),
            (#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#, .notJSONRPC),
            (#"{"jsonrpc":"2.0","id":1}"#, .notJSONRPC), (#"{"jsonrpc":"2.0","result":{}}"#, .notJSONRPC),
            (#"{"jsonrpc":"2.0","id":null,"result":{}}"#, .notJSONRPC), (#"{"id":1,"method":"ping"}"#, .notJSONRPC),
            (#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#, .notJSONRPC), (#"{"jsonrpc":"2.0","id":1,"method":7}"#, .notJSONRPC),
            (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#, .notJSONRPC),
            (#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#, .batch), (#"{"jsonrpc":"2.0","id":1,"method":"ping"} {}"#, .notJSON),
            (#"{"jsonrpc":"2.0","id":1,"method":"ping""#, .notJSON), (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{]}"#, .notJSON),
            ("Server ready.", .notJSON), ("", .notJSON), ("null", .notJSON), (#"{'jsonrpc':'2.0'}"#, .notJSON),
            (#"{"jsonrpc":"2.0"/**/,"id":1,"method":"ping"}"#, .notJSON),
        ])
    func refused(_ text: String, _ rule: MessageProblem.Rule) {
        #expect { try Self.read(text) } throws: { ($0 as? MessageProblem)?.rule == rule }
    }

    @Test("bytes that are no text are no message") func notUTF8() {
        let bytes = Array(#"{"jsonrpc":"2.0","id":1,"method":"a"#.utf8) + [0xFF] + Array(#""}"#.utf8)
        #expect { try Message.read(bytes) } throws: { ($0 as? MessageProblem)?.rule == .notJSON }
    }

    @Test("nesting is bounded") func deep() {
        let text =
            #"{"jsonrpc":"2.0","id":1,"result":{"a":"# + String(repeating: "[", count: 10_000) + String(repeating: "]", count: 10_000)
            + "}}"
        #expect { try Self.read(text) } throws: { ($0 as? MessageProblem)?.rule == .notJSON }
    }

    @Test("an id is the same however it is spelled, and a number is no string") func ids() throws {
        guard case .result(let plain) = try Self.read(#"{"jsonrpc":"2.0","id":"a/é","result":{}}"#).kind,
            case .result(let escaped) = try Self.read(#"{"jsonrpc":"2.0","id":"\u0061\/\u00e9","result":{}}"#).kind,
            case .result(let number) = try Self.read(#"{"jsonrpc":"2.0","id":7,"result":{}}"#).kind,
            case .result(let text) = try Self.read(#"{"jsonrpc":"2.0","id":"7","result":{}}"#).kind,
            case .result(let large) = try Self.read(#"{"jsonrpc":"2.0","id":123456789012345678901234567890,"result":{}}"#).kind
        else {
            Issue.record("not read as results")
            return
        }
        #expect(plain == escaped && number == RequestID(7) && number != text && text == RequestID("7"))
        #expect(large.text == "123456789012345678901234567890")
    }

    @Test("the id of an answer without an end is known when it stands before the result") func heads() {
        func id(_ head: String) -> RequestID? { Message.answeredID(head: Array(head.utf8)) }
        #expect(id(#"{"jsonrpc":"2.0","id":12,"result":{"content":[{"type":"te"#) == RequestID(12))
        #expect(id(#"{"id":"x","jsonrpc":"2.0","error":{"#) == RequestID("x"))
        #expect(id(#"{"jsonrpc":"2.0","result":{"content":[{"#) == nil)
        #expect(id(#"{"jsonrpc":"2.0","id":1,"id":2,"result":{"#) == nil)
        #expect(id(#"{"jsonrpc":"2.0","id":1,"method":"x","result":{"#) == nil)
        #expect(id("xxxxxxxxxxxxxxx") == nil)
    }

    @Test("members of a body are found where they stand") func members() throws {
        let line = Array(#"{"jsonrpc":"2.0","id":1,"result":{"content":[{"isError":true}],"isError":false}}"#.utf8)
        let body = try #require(try Message.read(line).body)
        let flag = try #require(Message.member("isError", of: body, in: line))
        #expect(String(decoding: line[flag], as: UTF8.self) == "false")
        #expect(Message.member("other", of: body, in: line) == nil)
    }
}
