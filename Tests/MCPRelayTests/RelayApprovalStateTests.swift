import LibOSModel
import MCPApproval
import MCPRelay
import ModelContextProtocol
import SQLiteRuntimeStore
import StrictJSON
import Synchronization
import Testing

/// Questions of 2026-07-28: a result asks for input, and the call comes again.
@Suite struct RelayApprovalStateTests {
    private static let rules = ["allow: \"mcp:files:*\"", "ask: \"mcp:files:write\""]
    private typealias Talk = ApprovalConversation

    private static func asked(_ talk: ApprovalConversation, _ arguments: String = #"{"path":"a"}"#) async throws -> String {
        let said = await talk.client(Talk.modern(1, "write", arguments))
        #expect(said.toServer.isEmpty && said.value?["result"]?["resultType"] == .string("input_required"))
        #expect(said.value?["result"]?["inputRequests"]?[ApprovalForm.key]?["method"] == .string("elicitation/create"))
        guard case .string(let state)? = said.value?["result"]?["requestState"] else { throw CancellationError() }
        return state
    }

    @Test("a yes lets the call through without our part of it, once") func accepted() async throws {
        let talk = ApprovalConversation(try await GateFixture(Self.rules))
        let state = try await Self.asked(talk)
        let line = Talk.modern(2, "write", #"{"path":"a"}"#, Talk.retry(state))
        let said = await talk.client(line)
        #expect(said.toClient.isEmpty && said.toServer.count == 1)
        let passed = try #require(said.toServer.first.flatMap(Talk.json))
        #expect(passed.canonicalText == Talk.json(Talk.modern(2, "write", #"{"path":"a"}"#))?.canonicalText)
        #expect(await talk.server(EngineFixture.result(2, #","resultType":"complete""#)).toClient.count == 1)
        // The same state again is refused, with a record.
        let again = await talk.client(Talk.modern(3, "write", #"{"path":"a"}"#, Talk.retry(state)))
        #expect(again.toServer.isEmpty && again.rule == .string("state-used"))
        #expect(again.value?["result"]?["isError"] == .bool(true) && again.value?["result"]?["resultType"] == .string("complete"))
        #expect(try await talk.requests().map(\.status) == [.used])
        let refused = try #require(try await talk.fixture.audits("tool.call").last)
        #expect(refused.decision["policy_reason"] == .string("state-used") && refused.decision["ok"] == .bool(false))
        #expect(try await talk.fixture.records.store.verifyAudit().isWhole)
    }

    @Test("a state that was changed, is late, or comes with another call makes nothing happen") func refused() async throws {
        let talk = ApprovalConversation(try await GateFixture(Self.rules))
        let state = try await Self.asked(talk)
        var changed = Array(state.utf8)
        changed[40] = changed[40] == UInt8(ascii: "0") ? UInt8(ascii: "1") : UInt8(ascii: "0")
        let tampered = await talk.client(
            Talk.modern(2, "write", #"{"path":"a"}"#, Talk.retry(String(decoding: changed, as: UTF8.self))))
        #expect(tampered.toServer.isEmpty && tampered.rule == .string("state-tampered"))
        // Even where nobody has to be asked.
        let other = await talk.client(Talk.modern(3, "read", "{}", Talk.retry(String(decoding: changed, as: UTF8.self))))
        #expect(other.toServer.isEmpty && other.rule == .string("state-tampered"))
        // Its own state with other arguments: nothing is made, and it is used up.
        let swapped = await talk.client(Talk.modern(4, "write", #"{"path":"b"}"#, Talk.retry(state)))
        #expect(swapped.toServer.isEmpty && swapped.decision == .string("deny") && swapped.toClient[0].contains("another call"))
        #expect(await talk.client(Talk.modern(5, "write", #"{"path":"a"}"#, Talk.retry(state))).rule == .string("state-used"))
        // Too late.
        let second = try await Self.asked(talk)
        talk.clock.seconds.withLock { $0 = 901 }
        #expect(await talk.client(Talk.modern(6, "write", #"{"path":"a"}"#, Talk.retry(second))).rule == .string("state-expired"))
        // Another process has another key.
        let elsewhere = ApprovalConversation(try await GateFixture(Self.rules))
        let theirs = try await Self.asked(elsewhere)
        #expect(await talk.client(Talk.modern(7, "write", #"{"path":"a"}"#, Talk.retry(theirs))).rule == .string("state-tampered"))
        #expect(try await talk.requests().allSatisfy { $0.status == .pending })
        #expect(try await talk.fixture.audits("external_effect.intent").isEmpty)
    }

    @Test(
        "everything but a yes leaves the call unmade",
        arguments: [
            (#"{"action":"decline"}"#, HumanRequest.Status.rejected), (#"{"action":"cancel"}"#, .cancelled),
            (#"{"action":"accept"}"#, .cancelled),
            ("null", .cancelled),
        ] as [(String, HumanRequest.Status)]) func notAccepted(_ answer: String, _ status: HumanRequest.Status) async throws
    {
        let talk = ApprovalConversation(try await GateFixture(Self.rules))
        let state = try await Self.asked(talk)
        let said = await talk.client(Talk.modern(2, "write", #"{"path":"a"}"#, Talk.retry(state, answer)))
        #expect(said.toServer.isEmpty && said.decision == .string("deny"))
        #expect(try await talk.requests().map(\.status) == [status])
        #expect(await talk.client(Talk.modern(3, "write", #"{"path":"a"}"#, Talk.retry(state))).rule == .string("state-used"))
    }

    @Test("two states of one question are good for one call") func twoStates() async throws {
        let talk = ApprovalConversation(try await GateFixture(Self.rules))
        let (one, two) = (try await Self.asked(talk), try await Self.asked(talk))
        #expect(try await talk.requests().count == 1)
        #expect(await talk.client(Talk.modern(2, "write", #"{"path":"a"}"#, Talk.retry(one))).toServer.count == 1)
        let second = await talk.client(Talk.modern(3, "write", #"{"path":"a"}"#, Talk.retry(two)))
        #expect(second.toServer.isEmpty && second.decision == .string("deny"))
    }

    @Test("who agreed on this machine meanwhile has agreed, and a no in the form takes it back") func elsewhere() async throws {
        let talk = ApprovalConversation(try await GateFixture(Self.rules))
        var state = try await Self.asked(talk)
        try await talk.fixture.answer(true)
        #expect(await talk.client(Talk.modern(2, "write", #"{"path":"a"}"#, Talk.retry(state))).toServer.count == 1)
        state = try await Self.asked(talk)
        try await talk.fixture.answer(true)
        let no = await talk.client(Talk.modern(3, "write", #"{"path":"a"}"#, Talk.retry(state, #"{"action":"decline"}"#)))
        #expect(no.toServer.isEmpty && no.decision == .string("deny"))
        #expect(try await Self.asked(talk) != state)
    }

    @Test("a client without forms gets words; a server's own state is not ours") func withoutForms() async throws {
        let talk = ApprovalConversation(try await GateFixture(Self.rules))
        let said = await talk.client(Talk.modern(1, "write", forms: false))
        #expect(said.decision == .string("ask") && said.value?["result"]?["resultType"] == .string("complete"))
        let own = Talk.modern(2, "read", "{}", #","requestState":"zz","inputResponses":{"q":{"action":"accept"}}"#)
        #expect(await talk.client(own).toServer == [own])
    }

    @Test("a tool that asks for input itself goes on without a second yes, and gets back its own state") func upstream() async throws {
        let talk = ApprovalConversation(try await GateFixture(Self.rules))
        let state = try await Self.asked(talk)
        await talk.client(Talk.modern(2, "write", #"{"path":"a"}"#, Talk.retry(state)))
        let asking = await talk.server(
            #"{"jsonrpc":"2.0","id":2,"result":{"resultType":"input_required","inputRequests":{"q":{"method":"elicitation/create","params":{"message":"Sure?"}}},"requestState":"theirs"}}"#
        )
        guard case .string(let ours)? = asking.value?["result"]?["requestState"] else {
            Issue.record("\(asking)")
            return
        }
        #expect(StateSealer.isOurs(ours) && asking.value?["result"]?["inputRequests"]?["q"] != nil)
        func again(_ id: Int, _ arguments: String) -> String {
            Talk.modern(id, "write", arguments, #","inputResponses":{"q":{"action":"accept"}},"requestState":"\#(ours)""#)
        }
        // Not for another call, and that attempt costs the state.
        let fresh = await talk.client(again(3, #"{"path":"a"}"#))
        let passed = try #require(fresh.toServer.first.flatMap(Talk.json))
        #expect(passed["params"]?["requestState"] == .string("theirs"))
        #expect(passed["params"]?["inputResponses"]?["q"]?["action"] == .string("accept"))
        #expect(await talk.client(again(4, #"{"path":"a"}"#)).rule == .string("state-used"))
        // A further round, stolen for other arguments.
        let next = await talk.server(#"{"jsonrpc":"2.0","id":3,"result":{"resultType":"input_required","requestState":"more"}}"#)
        guard case .string(let further)? = next.value?["result"]?["requestState"] else {
            Issue.record("\(next)")
            return
        }
        let stolen = await talk.client(Talk.modern(5, "write", #"{"path":"b"}"#, #","requestState":"\#(further)""#))
        #expect(stolen.toServer.isEmpty && stolen.rule == .string("state-of-another-call"))
        #expect(try await talk.fixture.audits("external_effect.intent").count == 2)
    }
}
