import LLMExecutor
import StrictJSON
import Testing

struct ChatClientTests {
    private static let tools = [
        ModelTool(name: "write", description: "w", parameters: .object(["type": .string("object")])),
        ModelTool(name: "echo", description: "e", parameters: .object(["type": .string("object")])),
    ]
    private static let request = ModelRequest(
        messages: [ModelMessage(.system, "s"), ModelMessage(.user, "u")], tools: tools, process: "pid_1")
    private static let call = #"{"id":"c1","type":"function","function":{"name":"echo","arguments":"{\"text\":\"hi\"}"}}"#
    private static let answer =
        #"{"id":"r1","model":"m","choices":[{"index":0,"message":{"content":null,"tool_calls":[\#(call)]},"finish_reason":"tool_calls"}],"usage":{"total_tokens":7}}"#

    private func run(
        _ answers: [FakeTransport.Answer], _ change: (inout ChatSettings) -> Void = { _ in }
    ) async -> (Result<ModelCompletion, ModelError>, FakeTransport, HandClock) {
        var settings = ChatSettings(baseURL: "http://127.0.0.1:1/v1", model: "m", key: SecretText("sk-secret"), streams: false)
        change(&settings)
        let transport = FakeTransport(answers)
        let clock = HandClock()
        let client = ChatCompletionsClient(settings: settings, transport: transport, clock: clock) { clock.pause($0) }
        do throws(ModelError) {
            return (.success(try await client.complete(Self.request)), transport, clock)
        } catch {
            return (.failure(error), transport, clock)
        }
    }

    @Test("a whole answer") func whole() async throws {
        let (result, transport, _) = await run([.json(Self.answer, headers: ["x-request-id": "req9"])])
        let completion = try result.get()
        #expect(completion.toolCalls == [ModelToolCall(id: "c1", callID: "c1", name: "echo", arguments: .text(#"{"text":"hi"}"#))])
        #expect(completion.requestID == "req9" && completion.responseID == "r1" && completion.model == "m")
        #expect(completion.usage["total_tokens"] == .int(7))
        let body = try #require(transport.bodies.first)
        #expect(body["parallel_tool_calls"] == .bool(false) && body["tool_choice"] == .string("auto"))
        guard case .array(let tools)? = body["tools"] else { throw ModelError(.malformed, "no tools") }
        #expect(tools.compactMap { $0["function"]?["name"] } == [.string("echo"), .string("write")])
        #expect(transport.exchanges[0].headers.contains { $0.name == "authorization" && $0.value == "Bearer sk-secret" })
        #expect(!body.canonicalText.contains("sk-secret"))
    }

    private static func chunk(_ delta: String, _ finish: String = "null") -> String {
        #"{"id":"r1","model":"m","choices":[{"index":0,"delta":\#(delta),"finish_reason":\#(finish)}]}"#
    }

    @Test("a stream, cut into pieces of any size", arguments: [1, 2, 3, 7, 64, 4096]) func stream(_ size: Int) async throws {
        let events = [
            Self.chunk(#"{"role":"assistant","content":"th"}"#), Self.chunk(#"{"content":"ink"}"#),
            Self.chunk(#"{"tool_calls":[{"index":0,"id":"c1","function":{"name":"echo","arguments":"{\"te"}}]}"#),
            Self.chunk(#"{"tool_calls":[{"index":0,"function":{"arguments":"xt\":1}"}}]}"#), Self.chunk("{}", #""tool_calls""#),
            #"{"choices":[],"usage":{"total_tokens":3}}"#,
        ]
        let (result, _, _) = await run([.stream(events, splitBytes: size)]) { $0.streams = true }
        let completion = try result.get()
        #expect(completion.content == "think")
        #expect(completion.toolCalls.map(\.arguments) == [.text(#"{"text":1}"#)])
        #expect(completion.usage["total_tokens"] == .int(3))
    }

    @Test("parallel calls that all have the index 0 stay apart by their ids") func sameIndex() async throws {
        let events = [
            Self.chunk(#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"echo","arguments":"{\"n\":1}"}}]}"#),
            Self.chunk(#"{"tool_calls":[{"index":0,"id":"b","function":{"name":"write","arguments":"{\"n\":2}"}}]}"#),
            Self.chunk("{}", #""stop""#),
        ]
        let completion = try await run([.stream(events)]) { $0.streams = true }.0.get()
        #expect(completion.toolCalls.map(\.name) == ["echo", "write"])
        #expect(completion.toolCalls.map(\.arguments) == [.text(#"{"n":1}"#), .text(#"{"n":2}"#)])
    }

    @Test("a fresh id with each fragment is still one call") func freshIDs() async throws {
        let events = [
            Self.chunk(#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"echo","arguments":"{\"n\""}}]}"#),
            Self.chunk(#"{"tool_calls":[{"index":0,"id":"b","function":{"arguments":":1}"}}]}"#), Self.chunk("{}", #""tool_calls""#),
        ]
        let completion = try await run([.stream(events)]) { $0.streams = true }.0.get()
        #expect(completion.toolCalls.map(\.arguments) == [.text(#"{"n":1}"#)])
    }

    @Test("a stream without finish_reason is never carried out") func cut() async {
        let events = [Self.chunk(#"{"tool_calls":[{"index":0,"id":"c1","function":{"name":"echo","arguments":"{\"text\":\"rm\"}"}}]}"#)]
        let (result, transport, _) = await run(Array(repeating: .stream(events, done: false), count: 3)) { $0.streams = true }
        #expect(throws: ModelError.self) { try result.get() }
        #expect(transport.exchanges.count == 3)
    }

    @Test("an answer that was cut at the token limit or filtered is an error", arguments: ["length", "content_filter"])
    func cutReasons(_ reason: String) async {
        let (result, transport, _) = await run([.json(Self.answer.replacing("tool_calls\"}]", with: "\(reason)\"}]"))])
        #expect(throws: ModelError.self) { try result.get() }
        #expect(transport.exchanges.count == 1)
    }

    @Test("Retry-After is honoured, in seconds, milliseconds and as a date") func retryAfter() async throws {
        let (result, transport, clock) = await run([
            .json("{}", status: 429, headers: ["retry-after": "7"]), .json("{}", status: 503, headers: ["retry-after-ms": "1500"]),
            .json(Self.answer),
        ])
        #expect(try result.get().toolCalls.count == 1)
        #expect(transport.exchanges.count == 3)
        #expect(clock.pauses == [7, 1.5])
        let (_, _, dated) = await run([
            .json("{}", status: 429, headers: ["retry-after": "Tue, 14 Nov 2023 22:13:30 GMT"]), .json(Self.answer),
        ])
        #expect(dated.pauses == [10])
    }

    @Test("without a word of the server the waits grow") func backoff() async {
        let (result, transport, clock) = await run(Array(repeating: .json("{}", status: 500), count: 9)) { $0.retries = 5 }
        #expect(throws: ModelError.self) { try result.get() }
        #expect(transport.exchanges.count == 6)
        #expect(zip(clock.pauses, [0.5, 1, 2, 4, 8]).allSatisfy { pause, most in pause <= most && pause >= most * 0.75 })
    }

    @Test("no try begins after the deadline") func deadline() async {
        let (result, transport, _) = await run([.json("{}", status: 429, headers: ["retry-after": "3600"]), .json(Self.answer)])
        #expect(throws: ModelError.self) { try result.get() }
        #expect(transport.exchanges.count == 1)
    }

    @Test("errors that repeating does not mend are not repeated", arguments: [400, 401, 403, 404, 422, 301])
    func refused(_ status: Int) async {
        let (result, transport, _) = await run([.json(#"{"error":{"message":"no \u001b[2J"}}"#, status: status), .json(Self.answer)])
        let error = #expect(throws: ModelError.self) { try result.get() }
        #expect(error?.status == status)
        #expect(error?.message.contains("\u{1B}") == false)
        #expect(transport.exchanges.count == 1)
    }

    @Test("a garbled event of a stream is tried again, and nothing of it is used") func garbled() async throws {
        let good = [
            Self.chunk(#"{"tool_calls":[{"index":0,"id":"c","function":{"name":"echo","arguments":"{}"}}]}"#), Self.chunk("{}", #""stop""#),
        ]
        let (result, transport, _) = await run([.stream([good[0], #"{"choices":[{"ind"#]), .stream(good)]) { $0.streams = true }
        #expect(try result.get().toolCalls.count == 1)
        #expect(transport.exchanges.count == 2)
    }

    /// Where the text is cut, half of the key would be left.
    @Test("a key at the place where an error is cut is not quoted by half", arguments: [true, false])
    func cutKey(_ isJSON: Bool) async throws {
        for before in 285...300 {
            let text = String(repeating: "x", count: before) + "sk-secret"
            let body = isJSON ? #"{"error":{"message":"\#(text)"}}"# : text
            let (result, _, _) = await run([.json(body, status: 401)])
            guard case .failure(let error) = result else { throw ModelError(.malformed, "it was accepted") }
            #expect(!error.message.contains("sk-"), "\(error.message)")
        }
        let event = #"{"error":{"message":"\#(String(repeating: "x", count: 295))sk-secret"}}"#
        let (result, _, _) = await run([.stream([event])]) { $0.streams = true }
        guard case .failure(let error) = result else { throw ModelError(.malformed, "it was accepted") }
        #expect(!error.message.contains("sk-"), "\(error.message)")
    }

    @Test("an answer that quotes the key is taken without it") func keyInAnswer() async throws {
        let call = #"{"id":"sk-secret","function":{"name":"sk-secret","arguments":"{\"text\":\"a \\u0073k-secret\"}"}}"#
        let value = #"{"id":"c2","function":{"name":"echo","arguments":{"sk-secret":["sk-secret"]}}}"#
        let message = #"{"content":"sk-secret\u0301","reasoning_content":"sk-secret","tool_calls":[\#(call),\#(value)]}"#
        let answer =
            #"{"id":"sk-secret","model":"sk-secret","choices":[{"message":\#(message),"finish_reason":"stop"}],"usage":{"sk-secret":1}}"#
        let long = String(repeating: "r", count: 124) + "sk-secret"
        let (result, _, _) = await run([.json(answer, headers: ["x-request-id": long])])
        let completion = try result.get()
        #expect(!"\(completion)".contains("sk-"), "\(completion)")
        #expect(completion.content == "(key)\u{301}" && completion.model == "(key)" && completion.toolCalls[0].name == "(key)")
        #expect(completion.toolCalls[0].arguments == .value(.object(["text": .string("a (key)")])))
        #expect(completion.toolCalls[1].arguments == .value(.object(["(key)": .array([.string("(key)")])])))
    }

    @Test("a server that quotes the key is not quoted", arguments: [401, 500]) func quotedKey(_ status: Int) async throws {
        let (result, _, _) = await run(
            Array(repeating: .json(#"{"error":{"message":"bad key sk-secret!"}}"#, status: status), count: 3))
        let error = #expect(throws: ModelError.self) { try result.get() }
        #expect(try #require(error).message.contains("bad key (key)!"))
    }

    @Test("no try gets more time than is left of the deadline") func timeLeft() async throws {
        let (_, transport, _) = await run([.json("{}", status: 503, headers: ["retry-after": "500"]), .json(Self.answer)])
        #expect(transport.exchanges.map(\.timeout) == [300, 100])
    }

    @Test("a broken connection is tried again") func reset() async throws {
        let (result, transport, _) = await run([FakeTransport.Answer(breaks: true), .json(Self.answer)])
        #expect(try result.get().toolCalls.count == 1)
        #expect(transport.exchanges.count == 2)
    }

    @Test("an option that a server does not know is left out from then on") func compatibility() async throws {
        let (result, transport, _) = await run([
            .json(#"{"error":{"message":"Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'."}}"#, status: 400),
            .json(#"{"error":{"message":"unknown field parallel_tool_calls"}}"#, status: 400), .json(Self.answer),
        ])
        #expect(try result.get().toolCalls.count == 1)
        let last = try #require(transport.bodies.last)
        #expect(last["max_tokens"] == nil && last["max_completion_tokens"] == .int(65_536) && last["parallel_tool_calls"] == nil)
    }

    @Test("a server that ignores tools is asked for an object of a schema, and then always") func schemaFallback() async throws {
        let talk = #"{"choices":[{"message":{"content":"I would read the file"},"finish_reason":"stop"}]}"#
        let object = #"{"choices":[{"message":{"content":"{\"name\":\"echo\",\"arguments\":{\"text\":\"x\"}}"},"finish_reason":"stop"}]}"#
        let transport = FakeTransport([.json(talk), .json(object), .json(object)])
        let settings = ChatSettings(baseURL: "http://127.0.0.1:1/v1", model: "m", streams: false)
        let client = ChatCompletionsClient(settings: settings, transport: transport, clock: HandClock()) { _ in }
        for _ in 0..<2 {
            let completion = try await client.complete(Self.request)
            #expect(completion.toolCalls == [ModelToolCall(name: "echo", arguments: .value(.object(["text": .string("x")])))])
        }
        #expect(transport.bodies.map { $0["response_format"] != nil } == [false, true, true])
        #expect(transport.bodies.map { $0["tools"] != nil } == [true, false, false])
    }

    @Test("an answer of thoughts alone is asked for once more without them") func thinking() async throws {
        let thoughts = #"{"choices":[{"message":{"content":"","reasoning_content":"hm"},"finish_reason":"stop"}]}"#
        let (result, transport, _) = await run([.json(thoughts), .json(Self.answer)])
        #expect(try result.get().toolCalls.count == 1)
        #expect(transport.bodies.last?["chat_template_kwargs"]?["enable_thinking"] == .bool(false))
    }

    @Test(
        "what is no Chat Completions answer",
        arguments: [
            "", "nonsense", "[]", "{\"choices\":5}", "{\"choices\":[{\"message\":{\"content\":5},\"finish_reason\":\"stop\"}]}",
            "{\"choices\":[{\"message\":{\"tool_calls\":{}},\"finish_reason\":\"stop\"}]}", "{\"error\":{\"message\":\"overloaded\"}}",
            "{\"choices\":[]}", "{\"a\":1,\"a\":2}",
        ])
    func malformed(_ text: String) async {
        let (result, transport, _) = await run([.json(text), .json(Self.answer)])
        #expect(throws: ModelError.self) { try result.get() }
        #expect(transport.exchanges.count == 1)
    }

    @Test("more than the bounds is refused") func bounds() async {
        let long = String(repeating: "a", count: 300_000)
        for body in [
            #"{"choices":[{"message":{"content":"\#(long)"},"finish_reason":"stop"}]}"#,
            #"{"choices":[{"message":{"tool_calls":[{"function":{"name":"echo","arguments":"\#(long)"}}]},"finish_reason":"stop"}]}"#,
            "{\"choices\":[{\"message\":{\"tool_calls\":[" + Array(repeating: Self.call, count: 300).joined(separator: ",")
                + "]},\"finish_reason\":\"stop\"}]}",
        ] {
            let (result, _, _) = await run([.json(body)])
            #expect(throws: ModelError.self) { try result.get() }
        }
        let (result, _, _) = await run([.stream([String(repeating: "b", count: 5000)])]) {
            $0.streams = true
            $0.bounds.body = 4096
        }
        #expect(throws: ModelError.self) { try result.get() }
    }
}
