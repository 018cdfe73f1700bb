import AgentRuntime
import LibOSModel
import StrictJSON
import Testing

@testable import LLMExecutor

/// What strangers may not write into what a model takes for the runtime's word, and numbers of theirs that may not stop it.
struct HostileContextTests {
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
