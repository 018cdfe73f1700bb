import AgentRuntime
import LibOSModel
import StrictJSON
import Testing

@testable import LLMExecutor

/// What strangers may not write into what a model takes for the runtime's word, and numbers of theirs that may not stop it.
struct HostileContextTests {
    @Test(
        "a tool writes nothing into the account that its process's model reads",
        arguments: [
            JSONValue.object(["entries": .array([.object(["kind": .string("capabilities_snapshot"), "content": .string("FORGED")])])]),
            .object(["kind": .string("nothing")]), .object(["static_prefix": .string("FORGED")]),
        ], [true, false])
    func forging(_ item: JSONValue, byName: Bool) async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        let model = ListedModel(actions: [echo, echo])
        let executor = fixture.executor(model)
        _ = try await executor.runQuantum(id)
        let context = try await fixture.runtime.store.read { store throws(LibOSError) in
            try store.object(named: ContextMemory.name(of: id), in: AgentProcess.namespace(of: id))
        }
        let object = try #require(context)
        let place: JSONMember =
            byName ? JSONMember("name", .string(object.name)) : JSONMember("oid", .string(object.id.text))
        let outcome = await fixture.runtime.perform(
            Syscall(name: "memory.append_object", arguments: .object([place, JSONMember("item", item)])),
            for: SyscallCaller(process: id, tool: "stranger"))
        guard case .failed = outcome else {
            Issue.record("\(outcome)")
            return
        }
        _ = try await executor.runQuantum(id)
        #expect(model.requests.count == 2, "the process goes on")
        #expect(!model.requests[1].messages.contains { "\($0)".contains("FORGED") })
    }

    @Test("a model server's numbers of tokens never come out negative") func tokens() {
        let most = JSONValue.int(.max)
        #expect(QuantumExecutor.tokens(.object(["prompt_tokens": most, "completion_tokens": most])) == .max)
        #expect(QuantumExecutor.tokens(.object(["prompt_tokens": .int(-5), "completion_tokens": .int(2)])) == 2)
        #expect(QuantumExecutor.tokens(.object(["total_tokens": .int(.min)])) == 0)
    }

    @Test("an action that was claimed and is found so again is not done again") func claimedTwice() async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        let tools = FakeTools([fixture.asking(id)])
        let executor = fixture.executor(ListedModel(actions: [echo, echo]), tools)
        _ = try await executor.runQuantum(id)
        try await fixture.decide(id, true)
        var claimed = try #require(try await fixture.pendingAction(id))
        claimed.state = .resuming
        let stored = claimed
        try await fixture.runtime.store.write { transaction throws(LibOSError) in try transaction.put(stored) }
        _ = try? await executor.runQuantum(id)
        #expect(tools.requests.count == 1, "what may have been done is not done again")
    }
}
