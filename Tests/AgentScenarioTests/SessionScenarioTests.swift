import AgentRuntime
import LibOSModel
import StrictJSON
import Testing
import ToolBroker

/// Workers that stay, in the whole runtime: a session outlasts quanta, and nothing that happens to its process.
@Suite(.serialized) struct SessionScenarioTests {
    private static let twoCalls = """
        - {action: counter}
        - {action: counter}
        - {action: ask_human, question: "go on?"}
        - {action: counter}
        - {action: process_exit}
        """

    private func spawn(_ fixture: AgentFixture) async throws -> ProcessID {
        let id = try await fixture.spawn(["human:* write"])
        let tool = try #require(fixture.tools.registry.tool(named: "counter"))
        try await fixture.runtime.store.write { transaction throws(LibOSError) in
            var process = try transaction.existingProcess(id)
            process.toolTable[tool.name] = tool.spec.id
            try transaction.update(process)
        }
        return id
    }

    @Test("state lasts from quantum to quantum, over a wait, and ends with the process", .timeLimit(.minutes(1))) func lasting()
        async throws
    {
        try await AgentFixture.with { fixture in
            for _ in 1...2 {
                let id = try await spawn(fixture)
                try await fixture.play(Self.twoCalls, approves: true)
                #expect(try await fixture.process(id).status == .exited)
                let calls = try await fixture.calls(id).filter { $0.toolName == "counter" }
                #expect(calls.map { $0.report["session"]?["call"] } == [.int(1), .int(2), .int(3)])
                #expect(Set(calls.map { $0.report["session"]?["id"] }).count == 1)
            }
            await fixture.tools.endSessions()
            let ends = try await fixture.audits("tool.session_end")
            #expect(ends.count == 2 && ends.allSatisfy { $0.decision["reason"] == .string("process_ended") }, "\(ends.map(\.decision))")
        }
    }

    @Test("a pause between two calls ends it, and what goes on begins anew", .timeLimit(.minutes(1))) func paused() async throws {
        try await AgentFixture.with { fixture in
            let id = try await spawn(fixture)
            try await fixture.play(Self.twoCalls) // waits for a person
            try await fixture.runtime.signal(id, .pause, reason: "enough")
            try await fixture.runtime.signal(id, .resume)
            try await fixture.play(Self.twoCalls, approves: true)
            let calls = try await fixture.calls(id).filter { $0.toolName == "counter" }
            #expect(calls.compactMap { $0.report["session"]?["call"] }.prefix(3) == [.int(1), .int(2), .int(1)])
            await fixture.tools.endSessions()
            let reasons = try await fixture.audits("tool.session_end").map { $0.decision["reason"] }
            #expect([.string("process_paused"), .string("process_signalled")].contains(reasons.first ?? .null), "\(reasons)")
        }
    }
}
