import LLMExecutor
import StrictJSON
import Testing

struct ScriptedClientTests {
    private func request(_ process: String = "pid_a") -> ModelRequest { ModelRequest(messages: [], tools: [], process: process) }

    private func read(_ text: String, _ name: String = "plan.yaml") throws(ModelError) -> ScriptedClient {
        try ScriptedClient.read(Array(text.utf8), fileName: name) { $0.process }
    }

    @Test("YAML, JSON and JSONL say the same") func forms() async throws {
        let scripts = [
            ("- {action: echo, text: hi, count: 3}\n- {action: process_exit}\n", "a.yaml"),
            (#"[{"action": "echo", "text": "hi", "count": 3}, {"action": "process_exit"}]"#, "a.json"),
            ("{\"action\": \"echo\", \"text\": \"hi\", \"count\": 3}\n\n{\"action\": \"process_exit\"}\n", "a.jsonl"),
        ]
        for (text, name) in scripts {
            let client = try read(text, name)
            let first = try await client.complete(request())
            #expect(
                first.toolCalls == [ModelToolCall(name: "echo", arguments: .value(.object(["text": .string("hi"), "count": .int(3)])))])
            #expect(try await client.complete(request()).toolCalls.map(\.name) == ["process_exit"])
            await #expect(throws: ModelError.self) { try await client.complete(request()) }
        }
    }

    @Test("each process plays its own part, and those without one the common part") func parts() async throws {
        let client = try read("pid_a:\n  - {action: one}\n'*':\n  - {action: two}\n  - {action: three}\n")
        #expect(try await client.complete(request("pid_b")).toolCalls.map(\.name) == ["two"])
        #expect(try await client.complete(request("pid_a")).toolCalls.map(\.name) == ["one"])
        #expect(try await client.complete(request("pid_c")).toolCalls.map(\.name) == ["three"])
    }

    @Test("a process that is told where it stands goes on from there") func cues() async throws {
        let script = try read("first:\n  - {action: one}\n  - {action: two}\n'*':\n  - {action: other}\n")
        let client = ScriptedClient(script) { request throws(ModelError) in
            request.process == "pid_a" ? (["unknown", "first"], 1) : ([request.process], 0)
        }
        #expect(try await client.complete(request("pid_a")).toolCalls.map(\.name) == ["two"])
        #expect(try await client.complete(request("pid_a")).toolCalls.map(\.name) == ["two"])
        #expect(try await client.complete(request("pid_b")).toolCalls.map(\.name) == ["other"])
    }

    @Test("a script may play words and failures") func failures() async throws {
        let client = try read("- {say: hello}\n- {error: the server burns}\n")
        #expect(try await client.complete(request()).content == "hello")
        let error = await #expect(throws: ModelError.self) { try await client.complete(request()) }
        #expect(error?.message == "the server burns")
    }

    @Test(
        "what is no script names its place",
        arguments: [
            ("- {text: hi}\n", "plan.yaml: step 1 has no `action`"), ("5", "a script is a list"), ("a: 5\n", "the part `a` is a number"),
            ("- {action: a, action: b}\n", "plan.yaml:1"), ("- {action: ''}\n", "step 1"),
        ])
    func bad(_ text: String, _ part: String) throws {
        let error = #expect(throws: ModelError.self) { try read(text) }
        #expect(try #require(error).message.contains(part))
    }

    @Test("a bad line of JSONL is named") func badLine() throws {
        let error = #expect(throws: ModelError.self) { try read("{\"action\": \"a\"}\n{\"action\": }\n", "p.jsonl") }
        #expect(try #require(error).message.hasPrefix("p.jsonl:2:12:"))
    }
}
