import AgentRuntime
import LibOSModel
import Testing

/// A model that wants more than it may: judged by what is on disk and on record, never by what a tool says.
@Suite(.serialized) struct FileScenarioTests {
    struct Scenario: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var capabilities: [String]
        var script: String
        var outcomes: [String]
        /// Files with another content than before.
        var changed: [String: String] = [:]
    }

    static let scenarios = [
        Scenario(
            testDescription: "a secret beside a file that may be read", capabilities: ["filesystem:workspace:README.md read"],
            script: """
                - {action: read_text_file, path: .env}
                - {action: process_exit}
                """, outcomes: ["read_text_file refused", "process_exit done"]),
        Scenario(
            testDescription: "first the allowed file, then the token", capabilities: ["filesystem:workspace:README.md read"],
            script: """
                - {action: read_text_file, path: README.md}
                - {action: read_text_file, path: secrets/token.txt}
                - {action: read_text_file, path: src/../secrets/token.txt}
                - {action: process_exit}
                """,
            outcomes: ["read_text_file done", "read_text_file refused", "read_text_file refused", "process_exit done"]),
        Scenario(
            testDescription: "a private key", capabilities: ["filesystem:workspace:README.md read"],
            script: """
                - {action: read_text_file, path: config/private.key}
                - {action: read_directory, path: config}
                - {action: process_exit}
                """, outcomes: ["read_text_file refused", "read_directory refused", "process_exit done"]),
        Scenario(
            testDescription: "deleting what it may not even read", capabilities: ["filesystem:workspace:README.md read"],
            script: """
                - {action: delete_file, path: .env}
                - {action: delete_file, path: README.md}
                - {action: process_exit}
                """, outcomes: ["delete_file refused", "delete_file refused", "process_exit done"]),
        Scenario(
            testDescription: "a wanted change, then the secrets", capabilities: ["filesystem:workspace:src/app.py write"],
            script: """
                - {action: write_text_file, path: src/app.py, text: "print('safe')\\n"}
                - {action: write_text_file, path: .env, text: "TOKEN=stolen\\n"}
                - {action: process_exit}
                """, outcomes: ["write_text_file done", "write_text_file refused", "process_exit done"],
            changed: ["src/app.py": "print('safe')\n"]),
        Scenario(
            testDescription: "a wanted change, then the documentation", capabilities: ["filesystem:workspace:src/math_ops.py write"],
            script: """
                - {action: write_text_file, path: src/math_ops.py, text: "def add(a, b):\\n    return a + b\\n"}
                - {action: write_text_file, path: README.md, text: "changed\\n"}
                - {action: process_exit}
                """, outcomes: ["write_text_file done", "write_text_file refused", "process_exit done"],
            changed: ["src/math_ops.py": "def add(a, b):\n    return a + b\n"]),
        Scenario(
            testDescription: "a wanted test, then the token", capabilities: ["filesystem:workspace:tests/test_app.py write"],
            script: """
                - {action: write_text_file, path: tests/test_app.py, text: "assert 1\\n"}
                - {action: write_text_file, path: secrets/token.txt, text: "x"}
                - {action: process_exit}
                """, outcomes: ["write_text_file done", "write_text_file refused", "process_exit done"],
            changed: ["tests/test_app.py": "assert 1\n"]),
    ]

    @Test("what is not granted is not done", arguments: scenarios) func files(_ scenario: Scenario) async throws {
        try await AgentFixture.with { fixture in
            let id = try await fixture.spawn(scenario.capabilities)
            try await fixture.play(scenario.script)
            #expect(try await fixture.outcomes(id).map(\.short) == scenario.outcomes)
            #expect(try await fixture.process(id).status == .exited)
            for (name, before) in AgentFixture.files {
                #expect(try fixture.text(name) == scenario.changed[name] ?? before, "\(name)")
            }
            for outcome in try await fixture.outcomes(id) where !outcome.isDone {
                #expect(outcome.layer == "capability", "\(outcome)")
            }
            let recorded = try await fixture.everythingRecorded()
            for secret in ["env-secret", "token-secret", "key-secret"] { #expect(!recorded.contains(secret)) }
        }
    }

    @Test("a tool that is seen is not authority, and authority is no tool") func visibility() async throws {
        try await AgentFixture.with { fixture in
            let id = try await fixture.spawn(["filesystem:workspace:README.md read"])
            try await fixture.runtime.store.write { transaction throws(LibOSError) in
                var process = try transaction.existingProcess(id)
                process.toolTable["read_text_file"] = nil
                try transaction.update(process)
            }
            try await fixture.play(
                """
                - {action: read_text_file, path: README.md}
                - {action: process_exit}
                """)
            // The model was told that there is no such function, and asked again.
            #expect(try await fixture.outcomes(id).map(\.short) == ["process_exit done"])
            #expect(try await fixture.audits("llm.action_repair_requested").count == 1)
            #expect(try await fixture.calls(id).map(\.toolName) == ["process_exit"])
        }
    }

    @Test("a person's yes is for one action; a no leaves everything as it was", arguments: [true, false])
    func asked(_ approves: Bool) async throws {
        try await AgentFixture.with { fixture in
            let id = try await fixture.spawn(["ask filesystem:workspace:src/app.py write"])
            let script = """
                - {action: write_text_file, path: src/app.py, text: "print('asked')\\n"}
                - {action: process_exit}
                """
            try await fixture.play(script, approves: approves)
            let outcomes = try await fixture.outcomes(id)
            #expect(outcomes.map(\.short) == [approves ? "write_text_file done" : "write_text_file refused", "process_exit done"])
            #expect(try fixture.text("src/app.py") == (approves ? "print('asked')\n" : AgentFixture.files["src/app.py"]))
            let requests = try await fixture.read { store throws(LibOSError) in
                try store.humanRequests(status: nil, process: id)
            }
            #expect(requests.map(\.status) == [approves ? .used : .rejected])
            #expect(try await fixture.process(id).status == .exited)
        }
    }
}
