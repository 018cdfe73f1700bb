import MCPServer
import ModelContextProtocol
import StrictJSON
import Synchronization
import TestSupport
import Testing

/// What is no message is never taken for one.
@Suite struct EnvelopeTests {
    private static let malformed: [(line: String, code: Int64, id: JSONValue)] = [
        ("", -32700, .null), ("x", -32700, .null), ("{", -32700, .null), (#"{"jsonrpc":"2.0","id":1,"method":"ping"}}"#, -32700, .null),
        (#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, -32700, .null),
        (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":1,"a":2}}"#, -32700, .null),
        (#"{"jsonrpc":"2.0","id":01,"method":"ping"}"#, -32700, .null), (#"{"jsonrpc":"2.0","id":1,"method":"\#u{0}"}"#, -32700, .null),
        (#"{'jsonrpc':'2.0'}"#, -32700, .null), (#"{"jsonrpc":"2.0","id":1,"method":"ping"} {}"#, -32700, .null),
        ("null", -32600, .null), ("7", -32600, .null), (#""ping""#, -32600, .null), ("[]", -32600, .null), ("[1]", -32600, .null),
        ("{}", -32600, .null), (#"{"id":1,"method":"ping"}"#, -32600, .int(1)),
        (#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32600, .int(1)), (#"{"jsonrpc":2.0,"id":1,"method":"ping"}"#, -32600, .int(1)),
        (#"{"jsonrpc":null,"id":"a","method":"ping"}"#, -32600, .string("a")),
        (#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, -32600, .null), (#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#, -32600, .null),
        (#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, -32600, .null), (#"{"jsonrpc":"2.0","id":[],"method":"ping"}"#, -32600, .null),
        (#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, -32600, .null), (#"{"jsonrpc":"2.0","id":1e30,"method":"ping"}"#, -32600, .null),
        (#"{"jsonrpc":"2.0","id":1,"method":7}"#, -32600, .int(1)), (#"{"jsonrpc":"2.0","id":1,"method":null}"#, -32600, .int(1)),
        (#"{"jsonrpc":"2.0","id":1,"method":""}"#, -32600, .int(1)), (#"{"jsonrpc":"2.0","id":1}"#, -32600, .null),
        (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":7}"#, -32600, .int(1)),
        (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":null}"#, -32600, .int(1)),
        (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":"x"}"#, -32600, .int(1)),
        (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#, -32602, .int(1)),
        (#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#, -32600, .int(1)),
        (#"{"jsonrpc":"2.0","id":1,"method":"ping","error":{}}"#, -32600, .int(1)),
        (#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#, -32600, .null), (#"{"jsonrpc":"2.0","result":{}}"#, -32600, .null),
        (#"{"jsonrpc":"2.0","id":1,"method":"ping","Method":"x"}"#, -32600, .int(1)),
        (#"{"jsonrpc":"2.0","id":1,"method":"nothing"}"#, -32601, .int(1)), (#"{"jsonrpc":"2.0","id":1,"method":"Ping"}"#, -32601, .int(1)),
        (#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"_meta":7}}"#, -32602, .int(1)),
        (#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"x"}}"#, -32602, .int(1)),
    ]

    @Test func `each malformed message gets its error, under its id where that can be told`() async {
        let client = StreamConversation()
        _ = await client.initialize()
        for (line, code, id) in Self.malformed {
            let answer = await client.ask(line)
            #expect(answer.errorCode == code && answer["id"] == id, "\(line) was answered with \(answer.canonicalText)")
        }
        #expect(await client.ask(#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).at("result") == .object([]), "and the stream goes on")
    }

    @Test func `bytes that are no text, nesting without end and lines without end are refused`() async {
        let client = StreamConversation()
        client.engine.receive(.line([0xFF, 0xFE]))
        #expect(await client.hear().errorCode == -32700)
        client.engine.receive(
            .line(Array(#"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":""#.utf8) + [0xC0, 0xAF] + Array("\"}}".utf8)))
        #expect(await client.hear().errorCode == -32700)
        let deep = String(repeating: "[", count: 100_000)
        #expect(await client.ask(deep).errorCode == -32700)
        #expect(
            await client.ask(
                #"{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":"# + String(repeating: "[", count: 200)
                    + String(repeating: "]", count: 200) + "}}"
            ).errorCode == -32700)
        client.engine.receive(.tooLong(head: Array(#"{"jsonrpc":"2.0","id":1"#.utf8)))
        #expect(await client.hear().errorCode == -32600)
    }

    @Test func `notifications and answers are never answered`() async {
        let client = StreamConversation()
        for line in [
            #"{"jsonrpc":"2.0","method":"notifications/initialized"}"#, #"{"jsonrpc":"2.0","method":"notifications/nothing","params":{}}"#,
            #"{"jsonrpc":"2.0","method":"tools/call","params":{"name":"echo"}}"#,
            #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":[]}}"#, #"{"jsonrpc":"2.0","id":1,"result":{}}"#,
            #"{"jsonrpc":"2.0","id":"x","error":{"code":1,"message":"m"}}"#,
        ] { client.say(line) }
        #expect(await client.ask(#"{"jsonrpc":"2.0","id":"last","method":"ping"}"#)["id"] == .string("last"))
        #expect(client.caller.calls.withLock { $0 } == [])
    }

    /// Well-formed lines, damaged at random: each is refused, or means a message that a strict reader reads the same.
    @Test(.timeLimit(.minutes(2))) func `no damaged message is taken for a whole one`() async {
        var random = SeededGenerator(state: 20_260_728)
        let lines = [
            #"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, #"{"jsonrpc":"2.0","id":"a","method":"tools/list","params":{}}"#,
            #"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo","arguments":{"x":[1,2.5,"\u00e9",null,true]}}}"#,
            #"{"jsonrpc":"2.0","id":3,"method":"server/discover","params":\#(stateless())}"#,
            #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#,
        ].map { Array($0.utf8) }
        let pieces = [
            #""id":2,"#, #""method":"ping","#, "null", "[", "]", "{", "}", "\"", ",", "1.5", "\\u0000", "\u{0}", "\u{FEFF}", "true", ":",
            #""result":{},"#, "\u{7F}", "-", "e9",
        ].map { Array($0.utf8) }
        var refused = 0
        for _ in 0..<20_000 {
            var line = lines.randomElement(using: &random) ?? []
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let at = Int.random(in: 0...line.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: line.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: at)
                case 1 where at < line.count: line.remove(at: at)
                case 2 where at < line.count: line[at] = UInt8.random(in: .min ... .max, using: &random)
                default: line.removeSubrange(at..<min(line.count, at + Int.random(in: 0...8, using: &random)))
                }
            }
            line.removeAll { $0 == 0x0A }
            guard let value = try? Envelope.value(of: line) else {
                refused += 1
                continue
            }
            switch Result(catching: { () throws(Envelope.Problem) in try Envelope.read(value) }) {
            case .failure: refused += 1
            case .success(.request(let id, let method, let params)):
                // What was read is all that there is.
                let again = JSONValue.object(
                    [JSONMember("jsonrpc", .string("2.0")), JSONMember("method", .string(method))]
                        + [JSONMember("id", (try? Envelope.value(of: id.bytes)) ?? .null)]
                        + (value["params"] == nil ? [] : [JSONMember("params", params)]))
                #expect(again.canonicalText == value.canonicalText, "\(String(decoding: line, as: UTF8.self))")
            case .success: break
            }
        }
        #expect(refused > 10_000)
    }

    /// The same through the engine: whatever comes, what goes out is a message, and there is one for each request.
    @Test(.timeLimit(.minutes(2))) func `whatever a client says, the server goes on`() async {
        var random = SeededGenerator(state: 7)
        let client = StreamConversation()
        _ = await client.initialize("2025-03-26")
        let words = [
            "{", "}", "[", "]", ",", ":", #""jsonrpc":"2.0""#, #""id""#, "1", "\"a\"", #""method":"ping""#, #""method":"tools/list""#,
            #""params":{}"#, "null", "1.5", #""result":{}"#, "\u{1}",
        ]
        for round in 0..<5_000 {
            var line = Bool.random(using: &random) ? #"{"jsonrpc":"2.0","id":\#(round),"# : ""
            for _ in 0..<Int.random(in: 0...8, using: &random) { line += words.randomElement(using: &random) ?? "" }
            client.say(line)
        }
        client.say(#"{"jsonrpc":"2.0","id":"last","method":"ping"}"#)
        while true {
            let message = await client.hear()
            if message["id"] == .string("last") { break }
            if case .array(let answers) = message {
                #expect(!answers.isEmpty)
            } else {
                #expect(message["jsonrpc"] == .string("2.0") && (message["result"] != nil) != (message["error"] != nil))
            }
        }
    }
}
