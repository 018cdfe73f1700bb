import LibOSModel
import MCPApproval
import MCPServer
import ModelContextProtocol
import StrictJSON
import Synchronization
import Testing

@Suite struct FormAnsweringTests {
    private static let yes = #"{"action":"accept","content":{"decision":"allow_once"}}"#
    private static let forms = #"{"elicitation":{}}"#

    private static func call(_ id: Int, _ name: String = "asks", _ arguments: String = #"{"n":1}"#) -> String {
        #"{"jsonrpc":"2.0","id":\#(id),"method":"tools/call","params":{"name":"\#(name)","arguments":\#(arguments)}}"#
    }

    private static func modern(_ id: Int, _ name: String = "asks", _ arguments: String = #"{"n":1}"#, _ more: String = "") -> String {
        #"{"jsonrpc":"2.0","id":\#(id),"method":"tools/call","params":{"name":"\#(name)","arguments":\#(arguments)\#(more),"#
            + #""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"tester","version":"1"},"#
            + #""io.modelcontextprotocol/clientCapabilities":{"elicitation":{"form":{}}}}}}"#
    }

    private static func retry(_ state: String, _ answer: String = yes) -> String {
        #","inputResponses":{"glovebox-approval":\#(answer)},"requestState":"\#(state)""#
    }

    private static func answer(_ id: JSONValue?, _ result: String) -> String {
        #"{"jsonrpc":"2.0","id":\#(id?.canonicalText ?? "null"),"result":\#(result)}"#
    }

    private static func decision(_ value: JSONValue) -> JSONValue? { value.at("result._meta")?[Reply.factsKey]?["decision"] }
    private static func rule(_ value: JSONValue) -> JSONValue? { value.at("result._meta")?[Reply.factsKey]?["denial"]?["rule"] }

    @Test("handshake: a yes in the form makes the call, once") func accepted() async throws {
        let caller = try await AskingToolCaller()
        let talk = StreamConversation(questions: caller.answering(), other: caller)
        _ = await talk.initialize(capabilities: Self.forms)
        let form = await talk.ask(Self.call(1))
        #expect(form["method"] == .string("elicitation/create"))
        guard case .string(let id)? = form["id"], case .string(let message)? = form.at("params.message") else {
            Issue.record("\(form)")
            return
        }
        #expect(id.hasPrefix("glovebox-") && message.contains("`asks`") && message.contains("n: 1"))
        // Another call is not held up.
        #expect(await talk.ask(#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#)["id"] == .int(9))
        let done = await talk.ask(Self.answer(.string(id), Self.yes))
        #expect(done["id"] == .int(1) && done.at("result.isError") == .bool(false))
        #expect(try await caller.statuses() == [.used])
        #expect(await talk.ask(Self.call(2))["method"] == .string("elicitation/create"))
        #expect(try await caller.audits("mcp.approval_answer").map { $0.decision["counted"] } == [.bool(true)])
        await talk.engine.close()
    }

    @Test(
        "handshake: everything else leaves it unmade",
        arguments: [
            (#"{"action":"decline"}"#, HumanRequest.Status.rejected), (#"{"action":"cancel"}"#, .cancelled),
            (#"{"action":"accept"}"#, .cancelled),
            (#"{"action":"accept","content":{"decision":"deny"}}"#, .rejected),
        ] as [(String, HumanRequest.Status)]) func notAccepted(_ result: String, _ status: HumanRequest.Status) async throws
    {
        let caller = try await AskingToolCaller()
        let talk = StreamConversation(questions: caller.answering(), other: caller)
        _ = await talk.initialize(capabilities: Self.forms)
        let form = await talk.ask(Self.call(1))
        let done = await talk.ask(Self.answer(form["id"], result))
        #expect(done["id"] == .int(1) && done.at("result.isError") == .bool(true) && Self.decision(done) == .string("deny"))
        #expect(try await caller.statuses() == [status])
        await talk.engine.close()
    }

    @Test("handshake: without an answer in time the question stays for this host") func late() async throws {
        let caller = try await AskingToolCaller()
        let talk = StreamConversation(questions: caller.answering(patience: .zero), other: caller)
        _ = await talk.initialize(capabilities: Self.forms)
        let form = await talk.ask(Self.call(1))
        #expect(await talk.hear()["method"] == .string("notifications/cancelled"))
        let done = await talk.hear()
        #expect(Self.decision(done) == .string("deny") && done.canonicalText.contains("glovebox human approve"))
        #expect(try await caller.statuses() == [.pending])
        // Too late: nobody waits.
        talk.say(Self.answer(form["id"], Self.yes))
        #expect(await talk.ask(#"{"jsonrpc":"2.0","id":9,"method":"ping"}"#)["id"] == .int(9))
        #expect(try await caller.statuses() == [.pending])
        await talk.engine.close()
    }

    @Test("handshake: a cancelled call takes its question back") func cancelled() async throws {
        let caller = try await AskingToolCaller()
        let talk = StreamConversation(questions: caller.answering(), other: caller)
        _ = await talk.initialize(capabilities: Self.forms)
        let form = await talk.ask(Self.call(1))
        let said = await talk.ask(#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#)
        #expect(said["method"] == .string("notifications/cancelled") && said.at("params.requestId") == form["id"])
        await talk.engine.close()
        #expect(try await caller.statuses() == [.cancelled])
    }

    @Test(
        "what leads out of the workspace, and what the policy keeps, is never a form",
        arguments: [
            ("slow", ""), ("asks", "ask: {channel: local}\n"),
        ]) func local(_ name: String, _ more: String) async throws
    {
        let caller = try await AskingToolCaller(more: more)
        let talk = StreamConversation(questions: caller.answering(), other: caller)
        _ = await talk.initialize(capabilities: Self.forms)
        #expect(Self.decision(await talk.ask(Self.call(1, name))) == .string("ask"))
        let modern = await talk.ask(Self.modern(2, name))
        #expect(Self.decision(modern) == .string("ask") && modern.at("result.resultType") == .string("complete"))
        let rows = try await caller.audits("mcp.approval_question")
        #expect(rows.count == 2 && rows.allSatisfy { $0.decision["trusted"] == .bool(false) && $0.decision["route"] == .string("local") })
    }

    @Test("2026-07-28: the state is good for this call, once") func stateless() async throws {
        let caller = try await AskingToolCaller()
        let talk = StreamConversation(questions: caller.answering(), other: caller)
        func asked(_ id: Int) async throws -> String {
            let said = await talk.ask(Self.modern(id))
            #expect(said.at("result.resultType") == .string("input_required"))
            guard case .string(let state)? = said.at("result.requestState") else { throw CancellationError() }
            return state
        }
        let state = try await asked(1)
        let done = await talk.ask(Self.modern(2, "asks", #"{"n":1}"#, Self.retry(state)))
        #expect(done.at("result.isError") == .bool(false) && done.at("result.resultType") == .string("complete"))
        #expect(Self.rule(await talk.ask(Self.modern(3, "asks", #"{"n":1}"#, Self.retry(state)))) == .string("state-used"))
        let second = try await asked(4)
        #expect(Self.rule(await talk.ask(Self.modern(5, "asks", #"{"n":2}"#, Self.retry(second)))) == .string("state-of-another-call"))
        #expect(Self.rule(await talk.ask(Self.modern(6, "asks", #"{"n":1}"#, Self.retry(second + "0")))) == .string("state-tampered"))
        // Another connection's.
        let other = StreamConversation(questions: caller.answering("other"), other: caller)
        let third = try await asked(7)
        #expect(Self.rule(await other.ask(Self.modern(8, "asks", #"{"n":1}"#, Self.retry(third)))) == .string("state-tampered"))
        let declined = await talk.ask(Self.modern(9, "asks", #"{"n":1}"#, Self.retry(third, #"{"action":"decline"}"#)))
        #expect(Self.decision(declined) == .string("deny"))
        #expect(try await caller.audits("mcp.approval_state_refused").count == 4)
    }

    @Test("2026-07-28: a state that is none leaves no question open, and one that was open as it was") func madeUp() async throws {
        let caller = try await AskingToolCaller()
        let talk = StreamConversation(questions: caller.answering(), other: caller)
        let first = await talk.ask(Self.modern(1))
        guard case .string(let state)? = first.at("result.requestState") else {
            Issue.record("\(first)")
            return
        }
        let none = "glovebox-state-1.aa." + String(repeating: "0", count: 64)
        #expect(Self.rule(await talk.ask(Self.modern(2, "asks", #"{"n":1}"#, Self.retry(none)))) == .string("state-tampered"))
        for n in 2..<5 {
            #expect(Self.rule(await talk.ask(Self.modern(n + 1, "asks", #"{"n":\#(n)}"#, Self.retry(none)))) == .string("state-tampered"))
        }
        #expect(try await caller.statuses() == [.pending, .cancelled, .cancelled, .cancelled])
        #expect(await talk.ask(Self.modern(9, "asks", #"{"n":1}"#, Self.retry(state))).at("result.isError") == .bool(false))
    }
}
