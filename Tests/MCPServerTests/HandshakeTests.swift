import StrictJSON
import Testing

/// The family of revisions that begins with `initialize`.
@Suite struct HandshakeTests {
    @Test(arguments: [
        ("2024-11-05", "2024-11-05"), ("2025-03-26", "2025-03-26"), ("2025-06-18", "2025-06-18"), ("2025-11-25", "2025-11-25"),
        ("2026-07-28", "2025-11-25"), ("1999-01-01", "2025-11-25"),
    ])
    func `a known revision is agreed on, and another one becomes the newest`(asked: String, agreed: String) async {
        let client = StreamConversation()
        let answer = await client.initialize(asked)
        #expect(answer.at("result.protocolVersion") == .string(agreed))
        #expect(answer.at("result.serverInfo.name") == .string("glovebox"))
        #expect((answer.at("result.serverInfo.title") != nil) == (agreed >= "2025-06-18"))
        #expect(answer.at("result.capabilities") == .object(["tools": .object(["listChanged": .bool(false)])]))
        #expect(answer["id"] == .int(0) && answer["jsonrpc"] == .string("2.0"))
    }

    @Test(arguments: [
        ("2024-11-05", ["description", "inputSchema", "name"]), ("2025-03-26", ["annotations", "description", "inputSchema", "name"]),
        ("2025-06-18", ["annotations", "description", "inputSchema", "name", "outputSchema", "title"]),
        ("2025-11-25", ["annotations", "description", "inputSchema", "name", "outputSchema", "title"]),
    ])
    func `tools say what their revision knows`(version: String, keys: [String]) async throws {
        let client = StreamConversation()
        _ = await client.initialize(version)
        client.say(#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
        let answer = await client.ask(#"{"jsonrpc":"2.0","id":"l","method":"tools/list"}"#)
        guard case .array(let tools)? = answer.at("result.tools") else { throw Missing() }
        #expect(tools.map { $0["name"] } == [.string("asks"), .string("echo"), .string("slow")])
        for tool in tools {
            guard case .object(let members) = tool else { throw Missing() }
            #expect(members.map(\.key).sorted() == keys)
        }
        #expect(answer.at("result.ttlMs") == nil && answer.at("result.resultType") == nil)
        #expect(await client.ask(#"{"jsonrpc":"2.0","id":"l","method":"tools/list"}"#) == answer)
    }

    @Test func `a call gives its result twice: as text, and for programs where the revision has that`() async throws {
        for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
            let client = StreamConversation()
            _ = await client.initialize(version)
            let answer = await client.ask(
                #"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"echo","arguments":{"a":[1,"x"]}}}"#)
            #expect(answer["id"] == .int(7) && answer.at("result.isError") == .bool(false))
            guard case .string(let text)? = answer.at("result.content.0.text") else { throw Missing() }
            let content = try JSONDocument.value(of: Array(text.utf8), bounds: DocumentBounds(bytes: 65536, depth: 32, nodes: 1000))
            #expect(content["result"] == .object(["a": .array([.int(1), .string("x")])]))
            #expect(content["ok"] == .bool(true) && content["audit_id"] == .string("audit_1") && content["denial"] == .null)
            let structured = answer.at("result.structuredContent")
            #expect(structured?.canonicalText == (version >= "2025-06-18" ? content.canonicalText : nil))
        }
    }

    @Test func `ping is answered before and after the handshake, and nothing else before it`() async {
        let client = StreamConversation()
        #expect(await client.ask(#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).at("result") == .object([]))
        #expect(await client.ask(#"{"jsonrpc":"2.0","id":2,"method":"tools/list"}"#).errorCode == -32600)
        _ = await client.initialize()
        #expect(await client.ask(#"{"jsonrpc":"2.0","id":3,"method":"ping"}"#).at("result") == .object([]))
        #expect(await client.initialize().errorCode == -32600, "a second handshake")
        #expect(await client.ask(#"{"jsonrpc":"2.0","id":4,"method":"server/discover"}"#).errorCode == -32601)
    }

    @Test(arguments: [
        #"{"capabilities":{},"clientInfo":{"name":"c","version":"1"}}"#,
        #"{"protocolVersion":1,"capabilities":{},"clientInfo":{"name":"c","version":"1"}}"#,
        #"{"protocolVersion":"2025-11-25","clientInfo":{"name":"c","version":"1"}}"#,
        #"{"protocolVersion":"2025-11-25","capabilities":[],"clientInfo":{"name":"c","version":"1"}}"#,
        #"{"protocolVersion":"2025-11-25","capabilities":{}}"#, #"{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{}}"#,
    ])
    func `a handshake that lacks something is refused, and can be made again`(params: String) async {
        let client = StreamConversation()
        #expect(await client.ask(#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":\#(params)}"#).errorCode == -32602)
        #expect(await client.initialize().at("result.protocolVersion") == .string("2025-11-25"))
    }

    @Test func `batches belong to 2025-03-26 alone`() async throws {
        let batch =
            #"[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","method":"notifications/x"},"#
            + #"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"echo"}},{"jsonrpc":"2.0","id":3,"method":"initialize"},4]"#
        let client = StreamConversation()
        #expect(await client.ask(batch).errorCode == -32600)
        _ = await client.initialize("2025-03-26")
        guard case .array(let answers) = await client.ask(batch) else { throw Missing() }
        #expect(answers.count == 4)
        #expect(answers.contains { $0["id"] == .int(1) && $0["result"] == .object([]) })
        #expect(answers.contains { $0["id"] == .int(2) && $0.at("result.isError") == .bool(false) })
        #expect(answers.contains { $0["id"] == .int(3) && $0.errorCode == -32600 })
        #expect(answers.contains { $0["id"] == .null && $0.errorCode == -32600 })
        #expect(await client.ask("[]").errorCode == -32600)
        let other = StreamConversation()
        _ = await other.initialize("2025-06-18")
        #expect(await other.ask(batch).errorCode == -32600)
    }
}

struct Missing: Error {}
