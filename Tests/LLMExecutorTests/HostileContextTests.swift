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
}
