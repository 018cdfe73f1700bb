import StrictJSON
import Testing

/// 2026-07-28: every request says for itself what it is written in.
@Suite struct StatelessTests {
    @Test func `discovery and lists say how long they hold, and who says so`() async {
        let client = StreamConversation()
        let found = await client.ask(#"{"jsonrpc":"2.0","id":1,"method":"server/discover","params":\#(stateless())}"#)
        #expect(
            found.canonicalText
                == #"{"id":1,"jsonrpc":"2.0","result":{"_meta":{"io.modelcontextprotocol/serverInfo":{"name":"glovebox","title":"Glovebox","version":"1"}},"#
                + #""cacheScope":"private","capabilities":{"tools":{"listChanged":false}},"instructions":"Sealed.","resultType":"complete","#
                + #""supportedVersions":["2026-07-28"],"ttlMs":0}}"#)
        let list = await client.ask(#"{"jsonrpc":"2.0","id":2,"method":"tools/list","params":\#(stateless())}"#)
        #expect(list.at("result.resultType") == .string("complete") && list.at("result.ttlMs") == .int(0))
        #expect(list.at("result.cacheScope") == .string("private") && list.at("result.tools.1.name") == .string("echo"))
    }

    @Test func `a call ends as complete`() async {
        let client = StreamConversation()
        let answer = await client.ask(
            #"{"jsonrpc":"2.0","id":"c","method":"tools/call","params":\#(stateless(#""name":"echo","arguments":{}"#))}"#)
        #expect(answer.at("result.resultType") == .string("complete") && answer.at("result.isError") == .bool(false))
        #expect(answer.at("result.structuredContent.ok") == .bool(true))
        #expect(answer.at("result._meta")?["io.modelcontextprotocol/serverInfo"]?["name"] == .string("glovebox"))
        #expect(answer.at("result._meta")?["glovebox/decision"]?["decision"] == .string("allow"))
    }

    @Test func `what was removed is gone, in the same stream in which older clients have it`() async {
        let client = StreamConversation()
        _ = await client.initialize()
        for method in ["ping", "initialize", "logging/setLevel", "resources/list"] {
            let answer = await client.ask(#"{"jsonrpc":"2.0","id":1,"method":"\#(method)","params":\#(stateless())}"#)
            #expect(answer.errorCode == -32601, "\(method)")
        }
        #expect(await client.ask(#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#).at("result") == .object([]))
    }

    @Test func `another version is refused with those that are spoken`() async {
        let client = StreamConversation()
        for version in ["2025-11-25", "2027-01-01", ""] {
            let answer = await client.ask(#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":\#(stateless(version: version))}"#)
            #expect(answer.errorCode == -32022)
            #expect(answer.at("error.data") == .object(["requested": .string(version), "supported": .strings(["2026-07-28"])]))
        }
    }

    @Test(arguments: [
        #"{"_meta":{"io.modelcontextprotocol/protocolVersion":7}}"#, #"{"_meta":[]}"#,
        #"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}}"#,
        #"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":[]}}"#,
        #"{"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{},"io.modelcontextprotocol/clientInfo":{"name":1}}}"#,
    ])
    func `a request that says of itself what cannot be is refused`(params: String) async {
        let client = StreamConversation()
        #expect(await client.ask(#"{"jsonrpc":"2.0","id":1,"method":"tools/list","params":\#(params)}"#).errorCode == -32602)
    }
}
