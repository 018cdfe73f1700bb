import MCPServer
import ModelContextProtocol
import StrictJSON
import Synchronization
import Testing

/// Calls in both families: what goes wrong, how they go on, and how they end.
@Suite struct CallTests {
    private static let families = [false, true]

    private func client(_ isStateless: Bool, questions: any QuestionAnswering = NobodyAnswers()) async -> StreamConversation {
        let client = StreamConversation(questions: questions)
        if !isStateless { _ = await client.initialize() }
        return client
    }

    private func call(_ id: String, _ isStateless: Bool, _ members: String, meta: String = "") -> String {
        let params =
            isStateless
            ? stateless(members, meta: meta.isEmpty ? "" : "," + meta) : "{\(members)\(meta.isEmpty ? "" : #","_meta":{\#(meta)}"#)}"
        return #"{"jsonrpc":"2.0","id":\#(id),"method":"tools/call","params":\#(params)}"#
    }

    @Test(arguments: families)
    func `what is no call of a tool is an error of the protocol`(isStateless: Bool) async {
        let client = await client(isStateless)
        for members in [
            #""name":"nothing""#, #""name":"ECHO""#, #""name":7"#, #""arguments":{}"#, #""name":"echo","arguments":[]"#,
            #""name":"echo","arguments":"x""#, #""name":"echo","arguments":null"#,
        ] {
            #expect(await client.ask(call("1", isStateless, members)).errorCode == -32602, "\(members)")
        }
        for token in ["1.5", "null", "{}", "true"] {
            let answer = await client.ask(call("1", isStateless, #""name":"echo""#, meta: #""progressToken":\#(token)"#))
            #expect(answer.errorCode == -32602, "\(token)")
        }
        #expect(client.caller.calls.withLock { $0 } == [])
    }

    @Test(arguments: families)
    func `progress increases and ends with the result`(isStateless: Bool) async {
        let client = await client(isStateless)
        client.say(call(#""r""#, isStateless, #""name":"echo""#, meta: #""progressToken":"t""#))
        var last = 0.0
        for message in ["allowed; the tool starts", "half"] {
            let note = await client.hear()
            #expect(note["method"] == .string("notifications/progress") && note["id"] == nil)
            #expect(note.at("params.progressToken") == .string("t") && note.at("params.message") == .string(message))
            guard case .double(let now)? = note.at("params.progress") else {
                Issue.record("no number in \(note)")
                return
            }
            #expect(now > last)
            last = now
        }
        #expect(await client.hear()["id"] == .string("r"))
        // Nothing comes after it.
        #expect(await client.ask(call("2", isStateless, #""name":"echo""#))["id"] == .int(2))
    }

    @Test(.timeLimit(.minutes(1)), arguments: families)
    func `a cancelled call ends and is not answered`(isStateless: Bool) async {
        let client = await client(isStateless)
        client.say(call(#""s""#, isStateless, #""name":"slow""#, meta: #""progressToken":1"#))
        #expect(await client.hear()["method"] == .string("notifications/progress"))
        // Another one with the same id, while it runs, is refused; one that nobody knows is nothing.
        #expect(await client.ask(call(#""s""#, isStateless, #""name":"echo""#)).errorCode == -32600)
        client.say(#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"t"}}"#)
        client.say(#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"s","reason":"enough"}}"#)
        await client.engine.close()
        #expect(client.caller.cancelled.withLock { $0 } == ["slow"])
        #expect(await client.ask(#"{"jsonrpc":"2.0","id":9,"method":"nothing"}"#)["id"] == .int(9), "an answer came all the same")
    }

    @Test(.timeLimit(.minutes(1))) func `the end of the stream ends every call`() async {
        let client = await client(true)
        for id in 0..<3 { client.say(call("\(id)", true, #""name":"slow""#)) }
        await client.engine.close()
        #expect(client.caller.cancelled.withLock { $0.count } == client.caller.calls.withLock { $0.count })
        let late = await client.ask(call("9", true, #""name":"echo""#))
        #expect(late["id"] == .int(9) && late.at("result.isError") == .bool(true))
    }

    @Test(.timeLimit(.minutes(1))) func `calls beyond the bound are told to come again`() async {
        let client = await client(true)
        for id in 0..<StreamEngine.mostCalls { client.say(call("\(id)", true, #""name":"slow""#)) }
        let answer = await client.ask(call("99", true, #""name":"echo""#))
        #expect(answer["id"] == .int(99) && answer.at("result.isError") == .bool(true))
        #expect(answer.at("result._meta")?["glovebox/decision"]?["decision"] == .string("busy"))
        await client.engine.close()
    }

    @Test(arguments: families)
    func `a call that somebody must agree to says how`(isStateless: Bool) async {
        let client = await client(isStateless)
        let asked = await client.ask(call("1", isStateless, #""name":"asks""#))
        #expect(asked.at("result.isError") == .bool(true))
        #expect(asked.at("result.structuredContent.approval.command") == .string("glovebox human approve hreq_1"))
        client.caller.agree()
        #expect(await client.ask(call("2", isStateless, #""name":"asks""#)).at("result.isError") == .bool(false))
    }

    /// Answers as it is told to.
    private final class Answering: QuestionAnswering {
        let outcome: QuestionOutcome
        let seen = Mutex<[String]>([])
        let decide: @Sendable () -> Void

        init(_ outcome: QuestionOutcome, decide: @escaping @Sendable () -> Void = {}) {
            self.outcome = outcome
            self.decide = decide
        }

        func answer(
            _ question: PendingQuestion, _ call: CallParameters, from client: ClientContext, over channel: ClientChannel
        ) async -> QuestionOutcome {
            seen.withLock { $0.append(question.request + " " + client.revision.rawValue) }
            decide()
            return outcome
        }

        func received(_ answer: JSONValue, to id: RequestID) -> Bool {
            seen.withLock { $0.append("answer " + id.text) }
            return true
        }
    }

    @Test func `whoever answers for the client ends the question, or the request`() async {
        let replying = Answering(.reply(.object(["resultType": .string("input_required")])))
        let first = await client(true, questions: replying)
        #expect(await first.ask(call("1", true, #""name":"asks""#)).at("result.resultType") == .string("input_required"))
        first.say(#"{"jsonrpc":"2.0","id":"glovebox-1","result":{}}"#)
        #expect(replying.seen.withLock { $0 } == ["hreq_1 2026-07-28", #"answer "glovebox-1""#])
        let caller = Mutex<FakeToolCaller?>(nil)
        let deciding = Answering(.decided) { caller.withLock { $0?.agree() } }
        let second = await client(false, questions: deciding)
        caller.withLock { $0 = second.caller }
        #expect(await second.ask(call("1", false, #""name":"asks""#)).at("result.isError") == .bool(false))
        #expect(second.caller.calls.withLock { $0 } == ["asks", "asks"])
    }
}
