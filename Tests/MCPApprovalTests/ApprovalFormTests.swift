import LibOSModel
import SandboxPolicy
import StrictJSON
import Testing

@testable import MCPApproval

@Suite struct ApprovalFormTests {
    private static let request = HumanRequestID.new()

    static func question(_ arguments: JSONValue, tool: String = "write", rules: [String] = ["ask mcp:files:write execute"])
        -> ApprovalQuestion
    {
        ApprovalQuestion(
            request, of: .new(), tool: tool, of: "the MCP server files", arguments: arguments, rules: rules,
            actionHash: "aa", trust: AskTrust(.any, because: "r"))
    }

    private static func json(_ text: String) -> JSONValue? {
        try? JSONDocument.value(of: Array(text.utf8), bounds: DocumentBounds(bytes: 1 << 16, depth: 16, nodes: 1000))
    }

    @Test(
        "only the form filled in with a yes is a yes",
        arguments: [
            (#"{"action":"accept","content":{"decision":"allow_once"}}"#, ApprovalAnswer.allow),
            (#"{"action":"accept","content":{"decision":"allow_once"},"_meta":{}}"#, .allow),
            (#"{"action":"accept","content":{"decision":"deny"}}"#, .deny), (#"{"action":"decline"}"#, .deny),
            (#"{"action":"decline","content":{"decision":"allow_once"}}"#, .deny), (#"{"action":"cancel"}"#, .cancel),
            (#"{"action":"cancel","content":{"decision":"allow_once"}}"#, .cancel), (#"{"action":"accept"}"#, .malformed),
            (#"{"action":"accept","content":{}}"#, .malformed), (#"{"action":"accept","content":null}"#, .malformed),
            (#"{"action":"accept","content":{"decision":true}}"#, .malformed),
            (#"{"action":"accept","content":{"decision":"allow_session"}}"#, .malformed),
            (#"{"action":"accept","content":{"decision":"Allow_once"}}"#, .malformed),
            (#"{"action":"accept","content":{"decision":"allow_once","more":1}}"#, .malformed),
            (#"{"action":"accept","content":["allow_once"]}"#, .malformed),
            (#"{"action":"ACCEPT","content":{"decision":"allow_once"}}"#, .malformed),
            (#"{"content":{"decision":"allow_once"}}"#, .malformed), (#"{"action":"accept","decision":"allow_once"}"#, .malformed),
            (#"{"action":["accept"],"content":{"decision":"allow_once"}}"#, .malformed), ("[]", .malformed), ("null", .malformed),
        ] as [(String, ApprovalAnswer)]) func answers(_ text: String, _ answer: ApprovalAnswer)
    {
        #expect(ApprovalForm.read(Self.json(text)) == answer)
    }

    @Test("no answer is no yes") func nothing() { #expect(ApprovalForm.read(nil) == .malformed) }

    @Test("each version gets the form that it knows, with a no as what is chosen") func forms() {
        let question = Self.question(.object(["path": .string("a")]))
        let june = ApprovalForm.parameters(question, .of2025June).canonicalText
        #expect(
            june.contains(#""enum":["deny","allow_once"],"enumNames":["Deny","Allow once"]"#) && !june.contains("mode")
                && !june.contains("oneOf"))
        let later = ApprovalForm.parameters(question, .of2025November)
        let decision = later["requestedSchema"]?["properties"]?["decision"]
        #expect(later["mode"] == .string("form") && decision?["default"] == .string("deny"))
        #expect(decision?["oneOf"]?.canonicalText == #"[{"const":"deny","title":"Deny"},{"const":"allow_once","title":"Allow once"}]"#)
        let result = ApprovalForm.inputRequired(question, state: "s")
        #expect(result["resultType"] == .string("input_required") && result["requestState"] == .string("s"))
        #expect(result["inputRequests"]?[ApprovalForm.key]?["method"] == .string("elicitation/create"))
        #expect(result["inputRequests"]?[ApprovalForm.key]?["params"]?["message"] == .string(question.message))
    }

    @Test("the question says tool, place, arguments and rule, and hides nothing") func words() {
        let message = Self.question(
            .object(["path": .string("a\u{202E}b\u{200B}c\n\u{1B}[2K"), "n": .int(7), "tag\u{E0041}": .bool(true)])
        ).message
        #expect(message.contains("`write`") && message.contains("the MCP server files") && message.contains("ask mcp:files:write execute"))
        #expect(
            message.contains(#"path: "a\u{202e}b\u{200b}c\n\u001b[2K""#) && message.contains("n: 7")
                && message.contains(#"tag\u{e0041}: true"#))
        let allowed: (Unicode.Scalar) -> Bool = { $0 == "\n" || !isDangerousToPrint($0) && !$0.properties.isDefaultIgnorableCodePoint }
        #expect(message.unicodeScalars.allSatisfy(allowed))
        #expect(!message.contains("Not all of it"))
        #expect(Self.question(.object([])).message.contains("no arguments"))
    }

    @Test("what is too long is shortened, and says so") func shortened() {
        let long = Self.question(.object(["text": .string(String(repeating: "x", count: 5_000))])).message
        #expect(
            long.contains("… (4602 more characters)") && long.contains("glovebox human show \(Self.request)") && long.utf8.count < 1_000)
        let many = Self.question(.object((0..<5_000).map { JSONMember("a\($0)", .string("v")) })).message
        #expect(many.contains("more arguments") && many.utf8.count < 8_000)
        let name = Self.question(.object([]), tool: String(repeating: "t", count: 9_000), rules: Array(repeating: "r", count: 90)).message
        #expect(name.utf8.count < 1_000 && name.contains("and 86 more"))
    }

    @Test(
        "who shows forms is told by what a client declares",
        arguments: [
            (#"{"elicitation":{}}"#, "2025-06-18", true), (#"{"elicitation":{"form":{}}}"#, "2025-11-25", true),
            (#"{"elicitation":{"form":{},"url":{}}}"#, "2025-11-25", true), (#"{"elicitation":{"url":{}}}"#, "2025-11-25", false),
            (#"{"elicitation":true}"#, "2025-11-25", false), (#"{}"#, "2025-11-25", false), (#"{"elicitation":{}}"#, "2025-03-26", false),
            (#"{"elicitation":{}}"#, "2024-11-05", false), (#"{"elicitation":{}}"#, "nonsense", false),
        ]) func declared(_ capabilities: String, _ version: String, _ takes: Bool) throws
    {
        let info = JSONValue.object(["name": .string("c\u{7}"), "version": .string("1")])
        let client = ClientForms.ofInitialize(.object(["clientInfo": info, "capabilities": try #require(Self.json(capabilities))]))
        #expect(client.speaking(version).takesForms == takes && client.name == "c\\u{7}")
        let meta = JSONValue.object([
            "io.modelcontextprotocol/clientCapabilities": try #require(Self.json(capabilities)), "io.modelcontextprotocol/clientInfo": info,
        ])
        #expect(ClientForms.ofRequest(meta: meta).takesForms == (capabilities.contains(":{") && !capabilities.contains(#"{"url""#)))
        #expect(!ClientForms.ofRequest(meta: nil).takesForms && ClientForms.ofRequest(meta: nil).name == "unnamed")
    }
}
