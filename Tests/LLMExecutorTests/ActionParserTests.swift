import LLMExecutor
import StrictJSON
import Testing

struct ActionParserTests {
    private let parser = ActionParser()

    private func call(_ name: String?, _ arguments: ModelToolCall.Arguments = .missing) -> ModelToolCall {
        ModelToolCall(name: name, arguments: arguments)
    }

    @Test("arguments come as text or as an object") func forms() throws {
        let expected = ModelAction(name: "echo", arguments: .object(["text": .string("hi")]))
        #expect(try parser.action(from: call("echo", .text(#"{"text": "hi"}"#))) == expected)
        #expect(try parser.action(from: call(" echo\n", .value(.object(["text": .string("hi")])))) == expected)
    }

    @Test("absent arguments are an empty object", arguments: [ModelToolCall.Arguments.missing, .text(""), .text("  "), .value(.null)])
    func absent(_ arguments: ModelToolCall.Arguments) throws {
        #expect(try parser.action(from: call("exit", arguments)) == ModelAction(name: "exit", arguments: .object([])))
    }

    @Test("other values are not taken for empty", arguments: ["[]", "0", "false", "\"x\"", "null", "{", "{\"a\":1,\"a\":2}", "{} {}"])
    func notObjects(_ text: String) {
        #expect(throws: ActionProblem.self) { try parser.action(from: call("echo", .text(text))) }
    }

    @Test("an argument named action never replaces the function that was called") func hijack() throws {
        let action = try parser.action(from: call("read_text_file", .text(#"{"action": "delete_file", "path": "a"}"#)))
        #expect(action == ModelAction(name: "read_text_file", arguments: .object(["path": .string("a")])))
    }

    @Test("without a name the field action names the function") func namedInside() throws {
        let action = try parser.action(from: call(nil, .text(#"{"action": " echo ", "text": "x"}"#)))
        #expect(action == ModelAction(name: "echo", arguments: .object(["text": .string("x")])))
        #expect(throws: ActionProblem.self) { try parser.action(from: call("", .text(#"{"action": 5}"#))) }
        #expect(throws: ActionProblem.self) { try parser.action(from: call(nil)) }
    }

    @Test("of several calls the last that can be understood wins") func lastWins() throws {
        let completion = ModelCompletion(toolCalls: [
            call("first"), call("second", .text(#"{"a": 1}"#)), call("third", .text("{broken")), call(nil, .text("{}")),
        ])
        #expect(try parser.action(from: completion).name == "second")
    }

    @Test("too long arguments are refused before they are read") func tooLong() {
        let small = ActionParser(longestArguments: 16)
        #expect(throws: ActionProblem.self) { try small.action(from: call("echo", .text(#"{"text": "0123456789"}"#))) }
    }

    @Test("free text is not carried out unless a profile allows it") func textIsOff() throws {
        let completion = ModelCompletion(content: #"I will do {"action": "echo", "text": "x"}"#)
        #expect(throws: ActionProblem.self) { try parser.action(from: completion) }
        #expect(try ActionParser(acceptsText: true).action(from: completion).name == "echo")
    }

    @Test("the error names what was wrong with every call and quotes the text") func errorText() throws {
        let completion = ModelCompletion(content: "thinking\u{1B}[2J aloud", toolCalls: [call("a", .text("[1]")), call(nil)])
        let problem = #expect(throws: ActionProblem.self) { try parser.action(from: completion) }
        let message = try #require(problem).message
        #expect(message.contains("arguments of `a` are a list"))
        #expect(message.contains("names no function"))
        #expect(message.contains("thinking"))
        #expect(!message.contains("\u{1B}"))
    }

    @Test(
        "where an action may stand in a text",
        arguments: [
            (#"{"action":"a"}"#, "a"), ("  {\"action\":\"a\"}\n", "a"),
            ("Text {x} it's\n```json\n{\"action\":\"b\"}\n```\nmore", "b"),
            ("```\n{\"action\":\"a\"}\n```\n```json\n{\"action\":\"b\"}\n```", "b"),
            (#"first {"action":"a"} then {"action":"b","s":"}{"} done"#, "b"),
            (#"it's "quoted and {"action":"a"}"#, "a"),
        ])
    func text(_ text: String, _ name: String) throws {
        #expect(try ActionParser(acceptsText: true).action(from: ModelCompletion(content: text)).name == name)
    }

    @Test(
        "what is no action in a text",
        arguments: [
            "", "plain words", "[{\"action\":\"a\"}]", "{\"outer\":{\"action\":\"a\"}}", "{\"action\":\"\"}", "{\"action\":5}",
            "{\"action\":\"a\"",
            "\"{\\\"action\\\":\\\"a\\\"}\"", "{\"action\":\"a\",\"action\":\"b\"}",
        ])
    func noText(_ text: String) {
        #expect(throws: ActionProblem.self) { try ActionParser(acceptsText: true).action(from: ModelCompletion(content: text)) }
    }

    @Test("an action reads back from its record") func roundTrip() {
        let action = ModelAction(name: "echo", arguments: .object(["b": .int(1), "a": .null]))
        #expect(ModelAction(json: action.json) == action)
        #expect(ModelAction(json: .object(["a": .int(1)])) == nil)
    }

    @Test("any text gives an action or a problem and never a crash") func fuzz() {
        var state: UInt64 = 0x9E37_79B9
        let alphabet = Array("{}[]\":,\\`ab 0\n'action".utf8)
        let lenient = ActionParser(acceptsText: true)
        for _ in 0..<3000 {
            var bytes: [UInt8] = []
            state = state &* 6_364_136_223_846_793_005 &+ 1
            for _ in 0..<Int(state >> 58) {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes.append(alphabet[Int(state >> 33) % alphabet.count])
            }
            let text = String(decoding: bytes, as: UTF8.self)
            if let action = try? lenient.action(from: ModelCompletion(content: text, toolCalls: [call(nil, .text(text))])) {
                #expect(!action.name.isEmpty)
            }
        }
    }
}
