import StrictJSON
import Testing

@testable import MCPServer

/// Requests over HTTP, without a socket: who is let in, and whose headers say what its message says.
@Suite struct HTTPRulesTests {
    private static let rules = HTTPRules(token: Array("0123456789abcdef0123456789abcdef".utf8), port: 8080)
    private static let good = [
        (name: "Host", value: "127.0.0.1:8080"), (name: "Authorization", value: "Bearer 0123456789abcdef0123456789abcdef"),
        (name: "Content-Type", value: "application/json"),
    ]

    private func head(
        _ method: String = "POST", _ target: String = "/mcp", without: String? = nil, adding more: [(String, String)] = []
    ) -> HTTPHead {
        HTTPHead(method: method, target: target, headers: Self.good.filter { $0.name != without } + more.map { (name: $0.0, value: $0.1) })
    }

    @Test func `whoever has the token and names this server is let in`() {
        #expect(Self.rules.refusal(of: head()) == nil)
        #expect(
            Self.rules.refusal(of: head(without: "Host", adding: [("host", "localhost:8080"), ("ORIGIN", "http://localhost:8080")])) == nil)
        #expect(Self.rules.refusal(of: head(without: "Content-Type", adding: [("content-type", "Application/JSON; charset=utf-8")])) == nil)
    }

    @Test func `everybody else is not`() {
        func status(_ head: HTTPHead) -> Int? { Self.rules.refusal(of: head)?.status }
        for host in ["example.org", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:8080.example.org", ""] {
            #expect(status(head(without: "Host", adding: [("Host", host)])) == 403, "\(host)")
        }
        #expect(status(head(without: "Host")) == 403)
        #expect(status(head(adding: [("Host", "127.0.0.1:8080")])) == 403, "two of them")
        for origin in ["http://example.org", "null", "https://127.0.0.1:8080", "http://127.0.0.1:8081", ""] {
            #expect(status(head(adding: [("Origin", origin)])) == 403, "\(origin)")
        }
        for token in ["Bearer 0123456789abcdef0123456789abcdee", "Bearer ", "Bearer 0123456789abcdef0123456789abcdef0", "Basic x", ""] {
            #expect(status(head(without: "Authorization", adding: [("Authorization", token)])) == 401, "\(token)")
        }
        #expect(status(head(without: "Authorization")) == 401)
        #expect(status(head("POST", "/")) == 404)
        for method in ["GET", "DELETE", "PUT", "OPTIONS", "HEAD"] {
            #expect(Self.rules.refusal(of: head(method))?.status == 405 && Self.rules.refusal(of: head(method))?.headers["Allow"] == "POST")
        }
        for type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
            #expect(status(head(without: "Content-Type", adding: [("Content-Type", type)])) == 415)
        }
        #expect(status(head(without: "Content-Type")) == 415)
    }

    private static let call = #"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":\#(stateless(#""name":"écho""#))}"#

    /// `status code` of what a message with these headers is answered with; `read` when it is let through.
    private func read(
        _ body: String, version: String? = "2026-07-28", method: String? = "tools/call", names: [String] = []
    ) -> String {
        var fields: [(String, String)] = names.map { ("Mcp-Name", $0) }
        if let version { fields.append(("mcp-protocol-version", version)) }
        if let method { fields.append(("MCP-Method", method)) }
        switch Self.rules.read(head(adding: fields), Array(body.utf8)) {
        case .request: return "read"
        case .answer(let answer):
            let code = (try? Envelope.value(of: answer.body))?.errorCode
            return "\(answer.status)" + (code.map { " \($0)" } ?? "")
        }
    }

    @Test func `headers and message say the same`() {
        #expect(read(Self.call, names: ["=?base64?w6ljaG8=?="]) == "read")
        #expect(read(Self.call, names: ["écho"]) == "read")
        for names in [[], ["echo"], ["=?base64?ZWNobw==?="], ["=?base64?!?="], ["écho", "écho"], ["e\u{301}cho"]] {
            #expect(read(Self.call, names: names) == "400 -32020", "\(names)")
        }
        #expect(read(Self.call, version: nil, names: ["écho"]) == "400 -32020")
        #expect(read(Self.call, version: "2025-11-25", names: ["écho"]) == "400 -32022")
        for method in [nil, "tools/list", "Tools/call"] {
            #expect(read(Self.call, method: method, names: ["écho"]) == "400 -32020", "\(method ?? "none")")
        }
        let other = #"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":\#(stateless(#""name":"e""#, version: "2025-11-25"))}"#
        #expect(read(other, names: ["e"]) == "400 -32022")
        #expect(read(#"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"e"}}"#, names: ["e"]) == "400 -32020")
    }

    @Test func `what is no request is told so, and notifications are taken`() {
        #expect(read("") == "400 -32700")
        #expect(read("{") == "400 -32700")
        #expect(read("[]") == "400 -32600")
        #expect(read(#"{"jsonrpc":"2.0","id":1,"result":{}}"#) == "400 -32600")
        #expect(read(#"{"jsonrpc":"1.0","id":1,"method":"x"}"#) == "400 -32600")
        #expect(read(#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#) == "202")
        #expect(HTTPAnswer.error(nil, ProtocolError(.unknownMethod, "x")).status == 404)
    }

    @Test func `base64 is read one way only`() {
        for (text, bytes) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob")] {
            #expect(Base64Text.decoded(text.utf8) == Array(bytes.utf8))
        }
        for text in ["Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zg==Zg==", "Z g=", "Zm9v=", "====", "=", "Zm8==", "_m8="] {
            #expect(Base64Text.decoded(text.utf8) == nil, "\(text)")
        }
    }

    @Test func `only addresses of this host are served at`() {
        #expect(LoopbackAddress("127.0.0.1:0") != nil && LoopbackAddress("localhost:8080")?.host == "127.0.0.1")
        #expect(LoopbackAddress("[::1]:1")?.host == "::1")
        for text in ["0.0.0.0:80", "8080", ":80", "127.0.0.1", "example.org:80", "127.0.0.1:70000", "127.0.0.2:1", "127.0.0.1:x", ""] {
            #expect(LoopbackAddress(text) == nil, "\(text)")
        }
    }
}
