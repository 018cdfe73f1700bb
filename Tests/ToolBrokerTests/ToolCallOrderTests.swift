internal import CapabilityLanguage
internal import LibOSModel
internal import SandboxTestSupport
internal import StrictJSON
internal import Synchronization
import TestSupport
internal import Testing
internal import ToolBroker

/// The order of a call: table, budget, arguments, authority, intent, effect, outcome. Each refusal leaves its records and nothing else.
@Suite struct ToolCallOrderTests {
    @Test(.timeLimit(.minutes(1))) func `an unknown tool is a refusal with a suggestion`() async throws {
        try await BrokerFixture.with { fixture in
            let result = try await fixture.call("read_text_fiel", "{}")
            #expect(!result.isOK && result.decision == .deny && result.tool == nil)
            #expect(result.denial?.layer == .toolTable)
            #expect(result.denial?.suggestion == "did you mean `read_text_file`?")
            let entry = try #require(try await fixture.audit("tool.call").first)
            #expect(entry.decision["policy_reason"] == .string("unknown_tool"))
            #expect(entry.decision["ok"] == .bool(false))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `an unknown process throws`() async throws {
        try await BrokerFixture.with { fixture in
            await #expect(throws: LibOSError.self) {
                _ = try await fixture.broker.call(ToolCallRequest(process: .new(), tool: "echo", arguments: .object([])))
            }
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: [ProcessStatus.exited, .failed, .killed])
    func `an ended process calls nothing`(status: ProcessStatus) async throws {
        try await BrokerFixture.with { fixture in
            try await fixture.change {
                $0.status = status; $0.outcome = .message("done")
            }
            let result = try await fixture.call("get_current_time", "{}")
            #expect(!result.isOK && result.denial?.layer == .process)
            let entry = try #require(try await fixture.audit("tool.call").first)
            #expect(entry.decision["policy_reason"] == .string("terminal_process"))
            #expect(entry.decision["policy_decision"] == .string("deny"))
            #expect(try await fixture.events().map(\.type) == [.toolFailed])
            #expect(fixture.kernel.calls.isEmpty)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a tool outside the table is refused, whatever the capabilities say`() async throws {
        try await BrokerFixture.with { fixture in
            try await fixture.grant("filesystem:workspace:*", [.read])
            try fixture.sandbox.file("a", "x")
            try await fixture.change { $0.toolTable["read_text_file"] = nil }
            let result = try await fixture.call("read_text_file", #"{"path": "a"}"#)
            #expect(!result.isOK && result.denial?.layer == .toolTable)
            let entry = try #require(try await fixture.audit("tool.call").first)
            #expect(entry.decision["policy_reason"] == .string("tool_not_in_process_table"))
            // A table that maps the name to another tool is no table entry of this one.
            try await fixture.change { $0.toolTable["read_text_file"] = $0.toolTable["echo"] }
            #expect(try await fixture.call("read_text_file", #"{"path": "a"}"#).denial?.layer == .toolTable)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a visible tool without authority fails at what it would touch`() async throws {
        try await BrokerFixture.with { fixture in
            let result = try await fixture.call("write_text_file", #"{"path": "a", "text": "x"}"#)
            #expect(!result.isOK && result.decision == .deny)
            #expect(result.denial?.layer == .capability)
            #expect(result.payload["error"]?["code"] == .string("permission_denied"))
            #expect(!HostFile.exists(fixture.sandbox.path("a")))
            #expect(try await fixture.events().map(\.type) == [.toolCalled, .toolFailed])
            #expect(try await fixture.audit("external_effect.intent").isEmpty, "nothing was intended")
            #expect(try await fixture.calls().isEmpty)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `the budget is charged before anything starts, once per action`() async throws {
        try await BrokerFixture.with { fixture in
            try await fixture.change { $0.budget[.toolCalls] = 2 }
            _ = try await fixture.call("get_current_time", "{}")
            _ = try await fixture.call("get_current_time", #"{"nonsense": 1}"#)
            let result = try await fixture.call("get_current_time", "{}")
            #expect(result.decision == .resourceLimit && result.denial?.layer == .budget)
            #expect(fixture.kernel.calls.count == 1)
            #expect(try await fixture.events().contains { $0.type == .resourceLimitExceeded && $0.priority == .critical })
            // The same action again after a wait was paid for.
            let request = ToolCallRequest(process: fixture.process, tool: "get_current_time", arguments: .object([]), isRepeated: true)
            guard case .done(let again) = try await fixture.broker.call(request) else { return }
            #expect(again.isOK)
        }
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            (#"{}"#, "lacks `path`"), (#"{"path": 1}"#, "is an integer"), (#"{"path": "a", "offset": -1}"#, "is less than 0"),
            (#"{"path": "a", "mode": "rw"}"#, "is not known"), (#"[]"#, "is an array"),
            (#"{"path": "../a"}"#, "leads out of the workspace"),
            (#"{"path": "/etc/passwd"}"#, "is absolute"), (#"{"path": "a\u0000b"}"#, "holds"), (#"{"path": "*"}"#, "is a pattern"),
        ])
    func `wrong arguments are refused before anything runs`(arguments: String, problem: String) async throws {
        try await BrokerFixture.with { fixture in
            try await fixture.grant("filesystem:workspace:*", [.read, .write, .delete])
            for tool in ["read_text_file", "delete_file"] where tool == "read_text_file" || !arguments.contains("offset") {
                let result = try await fixture.call(tool, arguments)
                #expect(!result.isOK)
                #expect(result.payload["error"]?["code"] == .string("validation_error"))
                #expect(result.denial?.layer == .schema && result.denial?.rule.isEmpty == false && result.denial?.isCertain == true)
                #expect(result.payload["error"]?["denial"]?["layer"] == .string("schema"))
                #expect(result.error?.contains(problem) == true, "\(result.error ?? "")")
            }
            #expect(try await fixture.audit("external_effect.intent").isEmpty)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a syscall's value is the result, kept as an object`() async throws {
        try await BrokerFixture.with { fixture in
            fixture.kernel.answer("clock.now", .value(.object(["now": .string("12\u{1B}[2J")])))
            let result = try await fixture.call("get_current_time", "{}")
            #expect(result.isOK)
            #expect(result.payload == .object(["now": .string("12^[[2J")]), "cleaned of escapes")
            let kept = try #require(fixture.kernel.state.withLock { $0.kept.first })
            #expect(kept["tool_name"] == .string("get_current_time"))
            #expect(kept["result"] == result.payload)
            let entry = try #require(try await fixture.audit("tool.call").first)
            #expect(entry.decision["ok"] == .bool(true) && entry.decision["policy_decision"] == .string("allow"))
            #expect(entry.outputs == [try #require(result.result).object])
            #expect(entry.correlation == "quantum")
            let events = try await fixture.events()
            #expect(events.map(\.type) == [.toolCalled, .toolCompleted])
            #expect(events[1].payload["result_oid"] == .string(try #require(result.result).object.text))
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["human", "child", "message"])
    func `a wait is neither a failure nor an end`(kind: String) async throws {
        try await BrokerFixture.with { fixture in
            let child = ProcessID.new()
            let wait: WaitState =
                kind == "human" ? .human([.new()]) : kind == "child" ? .child(child) : .message(MessageFilter(channel: "x"))
            fixture.kernel.answer("human.ask", .waiting(wait))
            guard case .waiting(let told) = try await fixture.completion("ask_human", #"{"question": "?"}"#) else {
                Issue.record("the call did not wait")
                return
            }
            #expect(told == wait)
            let action = ["human": "tool.call_waiting_human", "child": "tool.call_waiting_process", "message": "tool.call_waiting_message"]
            let entry = try #require(try await fixture.audit(action[kind] ?? "").first)
            switch kind {
            case "human": #expect(entry.decision["policy_decision"] == .string("require_human_approval"))
            case "child": #expect(entry.decision["child_pid"] == .string(child.text))
            default: #expect(entry.decision["filters"]?["channel"] == .string("x"))
            }
            #expect(try await fixture.events().map(\.type) == [.toolCalled])
            #expect(try await fixture.audit("tool.call").isEmpty)
            #expect(try await fixture.calls().isEmpty)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a process that ends during its own call leaves a record and no object`() async throws {
        try await BrokerFixture.with { fixture in
            let (store, process) = (fixture.store, fixture.process)
            fixture.kernel.state.withLock {
                $0.during = { _ in
                    try? await store.write { transaction throws(LibOSError) in
                        var ended = try transaction.existingProcess(process)
                        ended.status = .exited
                        ended.outcome = .message("bye")
                        try transaction.update(ended)
                    }
                }
            }
            let result = try await fixture.call("process_exit", "{}")
            #expect(result.isOK && result.result == nil)
            let record = try #require(try await fixture.calls(.completed).first)
            #expect(record.result == nil && record.endedAt != nil)
            #expect(fixture.kernel.state.withLock { $0.kept.isEmpty }, "the dead own nothing")
            let events = try await fixture.events()
            #expect(events.map(\.type) == [.toolCalled, .toolCompleted])
            #expect(events[1].payload["result_oid"] == .null)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a result that is not what the tool promises is a failure`() async throws {
        let tool = """
            manifest: 1
            name: promises
            description: promises a number
            protocol: syscall
            syscall: clock.now
            input: {type: object, additionalProperties: false}
            output: {type: object, required: [count], properties: {count: {type: integer}}}
            """
        try await BrokerFixture.with(tools: [tool]) { fixture in
            fixture.kernel.answer("clock.now", .value(.object(["count": .string("one")])))
            let result = try await fixture.call("promises", "{}")
            #expect(!result.isOK && result.decision == .validationError && result.denial?.layer == .schema)
            #expect(result.result == nil)
            fixture.kernel.answer("clock.now", .value(.object(["count": .string(String(repeating: "x", count: 3 << 20))])))
            #expect(try await fixture.call("promises", "{}").error?.contains("larger than") == true)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `what a process sees is its table, sorted, and what it may call`() async throws {
        try await BrokerFixture.with { fixture in
            var process = AgentProcess(image: "x", createdAt: Timestamp(microseconds: 0))
            let (table, unknown) = fixture.broker.table(of: ["sleep", "echo", "nonsense"])
            process.toolTable = table
            process.toolTable["ask_human"] = .new()
            #expect(fixture.broker.visibleTools(of: process).map(\.name) == ["echo", "sleep"])
            #expect(unknown == ["nonsense"])
            #expect(try await fixture.audit("tool.register").count == fixture.broker.registry.all.count)
            try await fixture.broker.persistTools()
            #expect(try await fixture.audit("tool.register").count == fixture.broker.registry.all.count, "once")
        }
    }

    @Test(.timeLimit(.minutes(1)), arguments: ["\u{212A}", String(repeating: "x", count: 1 << 20), "a\u{1B}[2J\n"])
    func `a name that only looks like a tool's names none, and is told in short`(name: String) async throws {
        let tool = "manifest: 1\nname: K\ndescription: a test\nprotocol: syscall\nsyscall: clock.now\n"
        try await BrokerFixture.with(tools: [tool + "input: {type: object, additionalProperties: false}"]) { fixture in
            let result = try await fixture.call(name, "{}")
            #expect(!result.isOK && result.decision == .deny && result.denial?.rule == "no such tool")
            let row = try #require(try await fixture.audit("tool.call").first).decision.canonicalText
            #expect(row.utf8.count < 4096 && !row.contains("\\u001b"))
        }
    }
}
