import AgentRuntime
import LibOSModel
import StrictJSON
import Testing

/// Whoever stops an agent stops what its tool does, in its sandbox, and the record says so.
@Suite(.serialized) struct SignalScenarioTests {
    @Test("a signal that stops a process ends its running tool", .timeLimit(.minutes(2)), arguments: [ProcessSignal.pause, .terminate])
    func stopped(_ signal: ProcessSignal) async throws {
        try await AgentFixture.with { fixture in
            let id = try await fixture.spawn(["shell:sleep execute", "shell:cat execute", "filesystem:workspace:README.md read"])
            // Longer than the time that the test has: only the signal can end it.
            let script = """
                - {action: run_shell_command, argv: [sleep, "600"], read: [README.md]}
                - {action: run_shell_command, argv: [cat, README.md], read: [README.md]}
                - {action: process_exit}
                """
            let run = Task { try await fixture.play(script) }
            try await fixture.untilIntended(id)
            try await fixture.runtime.signal(id, signal, reason: "enough")
            _ = try await run.value
            let call = try #require(try await fixture.calls(id).first)
            #expect(call.state == .failed && call.report["outcome"]?["kind"] == .string("cancelled"), "\(call.report)")
            let closing = try #require(try await fixture.audits("tool.call").first)
            #expect(closing.decision["ok"] == .bool(false))
            let process = try await fixture.process(id)
            guard signal == .pause else {
                #expect(process.status == .killed && call.error == "the call was cancelled: its process has ended (killed)")
                return
            }
            #expect(process.status == .paused && call.error == "the call was cancelled: its process was paused")
            try await fixture.runtime.signal(id, .resume)
            // The model is asked anew; what was cancelled is not done again by itself.
            try await fixture.play("- {action: process_exit}")
            #expect(try await fixture.process(id).status == .exited)
            #expect(try await fixture.calls(id).map(\.state) == [.failed, .completed])
        }
    }
}

extension AgentFixture {
    /// Returns when the process has a call whose intent is on record and whose outcome is not.
    func untilIntended(_ id: ProcessID) async throws {
        var wakeups = runtime.store.commits.listen().makeAsyncIterator()
        while try await read({ store throws(LibOSError) in try store.toolCalls(of: id, state: .intended, limit: 1) }).isEmpty {
            if await wakeups.next() == nil { return }
        }
    }
}
