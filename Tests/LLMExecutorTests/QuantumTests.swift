import AgentRuntime
import LLMExecutor
import LibOSModel
import StrictJSON
import Testing
import ToolBroker

/// One quantum, branch by branch.
struct QuantumTests {
    /// A model that answers although it was cancelled meanwhile.
    private struct LateModel: ModelClient {
        let name = "LateModel"
        let isRealModel = false

        func complete(_ request: ModelRequest) async throws(ModelError) -> ModelCompletion {
            withUnsafeCurrentTask { $0?.cancel() }
            return ModelCompletion(toolCalls: [ModelToolCall(name: "echo", arguments: .value(.object(["text": .string("late")])))])
        }
    }

    @Test("an answer that comes after its process was stopped begins nothing") func lateAnswer() async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        let tools = FakeTools()
        let executor = fixture.executor(LateModel(), tools)
        await #expect(throws: CancellationError.self) { _ = try await Task { try await executor.runQuantum(id) }.value }
        #expect(tools.requests.isEmpty)
        #expect(try await fixture.process(id).status == .runnable, "the process is not failed for it")
        #expect(try await fixture.modelCalls(id).map(\.status) == [.ok])
    }

    @Test("an unknown process is an error of the scheduler's") func unknown() async throws {
        let fixture = try await QuantumFixture()
        await #expect(throws: LibOSError.self) { try await fixture.executor(ListedModel([])).runQuantum(.new()) }
    }

    @Test("a process that cannot run is skipped, without a record", arguments: [ProcessSignal.pause, .terminate])
    func skipped(_ signal: ProcessSignal) async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        try await fixture.runtime.signal(id, signal)
        let before = try await fixture.audits("llm.").count
        let result = try await fixture.executor(ListedModel([])).runQuantum(id)
        #expect(
            result.payload
                == .object(["ok": .bool(false), "skipped": .bool(true), "status": .string(signal == .pause ? "paused" : "killed")]))
        #expect(!result.isCharged)
        #expect(try await fixture.audits("llm.").count == before)
    }

    @Test("a completed action: payload, audit, call record, view") func completed() async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        let runtime = fixture.runtime
        let handle = try await runtime.store.write { transaction throws(LibOSError) in
            try runtime.keepResult(.object(["x": .int(1)]), title: "echo", tool: ToolID("tool_static_echo")!, of: id, in: transaction)
        }
        let tools = FakeTools([FakeTools.answering(FakeTools.result(.object(["x": .int(1)]), handle: handle))])
        let model = ListedModel(actions: [echo])
        let result = try await fixture.executor(model, tools).runQuantum(id)

        #expect(result.isCharged)
        #expect(result.payload["ok"] == .bool(true))
        #expect(result.payload["action"] == echo.json)
        #expect(result.payload["result"]?.keys == ["ok", "tool_id", "result_oid", "payload", "error", "message_notice"])
        #expect(result.payload["result"]?["result_oid"] == .string(handle!.object.text))
        #expect(result.payload.keys == ["ok", "action", "result"])
        #expect(tools.requests.map(\.tool) == ["echo"] && tools.requests.map(\.isRepeated) == [false])

        let request = try #require(try await fixture.audits("llm.request").first)
        #expect(request.actor == id.text && request.target == "image:base-agent:v0")
        #expect(request.decision.keys == ["messages", "policy"] && request.decision["messages"] == .int(2))
        #expect(!request.inputs.isEmpty)
        let action = try #require(try await fixture.audits("llm.action").first { $0.action == "llm.action" })
        #expect(action.target == "echo" && action.outputs == [handle!.object])
        #expect(
            action.decision.keys == [
                "action", "result", "content_preview", "tool_call_count", "resumed_after_human", "resumed_after_message",
            ])
        #expect(action.decision["resumed_after_human"] == .bool(false))

        let calls = try await fixture.modelCalls(id)
        #expect(calls.map(\.status) == [.ok] && calls[0].purpose == "action_selection" && calls[0].completedAt != nil)
        #expect(calls[0].requestOptions.keys == ["attempt", "max_attempts", "purpose", "client_class", "real_llm_client"])
        #expect(try await fixture.process(id).view?.roots.contains { $0.object == handle!.object } == true)
        #expect(try await fixture.process(id).view?.roots.first?.object == request.inputs.first)
    }

    @Test("a failed tool is a carried-out decision all the same") func failedTool() async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        let tools = FakeTools([FakeTools.answering(FakeTools.result(.null, isOK: false, error: "no"))])
        let result = try await fixture.executor(ListedModel(actions: [echo]), tools).runQuantum(id)
        #expect(result.payload["ok"] == .bool(true))
        #expect(result.payload["result"]?["ok"] == .bool(false) && result.payload["result"]?["error"] == .string("no"))
        #expect(try await fixture.process(id).status == .runnable)
    }

    // MARK: - Repair

    @Test("a bad answer is asked for again with the reason, rebuilt from the original request") func repair() async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        let model = ListedModel([
            .success(
                ModelCompletion(content: "I think\u{7}", toolCalls: [ModelToolCall(id: "c", name: "nowhere", arguments: .text("{}"))])),
            .success(ModelCompletion(toolCalls: [ModelToolCall(name: "echo", arguments: .missing)])),
        ])
        let result = try await fixture.executor(model).runQuantum(id)
        #expect(result.payload["ok"] == .bool(true))
        #expect(model.requests.map(\.messages.count) == [2, 3])
        #expect(Array(model.requests[1].messages.prefix(2)) == model.requests[0].messages)
        let words = model.requests[1].messages[2].content
        #expect(words.contains("nowhere") && words.contains("create_memory_object, create_memory_namespace".split(separator: ",")[0]))
        let repair = try #require(try await fixture.audits("llm.action_repair_requested").first)
        #expect(repair.target == "process:\(id)")
        #expect(repair.decision.keys == ["attempt", "error", "tool_call_count", "tool_calls_preview", "content_preview"])
        guard case .array(let previews)? = repair.decision["tool_calls_preview"] else { throw ActionProblem("no previews") }
        #expect(previews.map(\.keys) == [["id", "call_id", "name", "arguments_type", "arguments_preview"]])
        #expect(try await fixture.modelCalls(id).map { $0.requestOptions["attempt"] } == [.int(1), .int(2)])
    }

    @Test("after the last attempt the process fails, and every attempt is on record") func repairExhausted() async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        let tools = FakeTools()
        let model = ListedModel([.success(ModelCompletion()), .success(ModelCompletion(content: "words")), .success(ModelCompletion())])
        let result = try await fixture.executor(model, tools).runQuantum(id)
        #expect(result.payload.keys == ["ok", "error"] && result.payload["ok"] == .bool(false))
        #expect(try await fixture.audits("llm.action_repair_requested").count == 2)
        #expect(try await fixture.process(id).status == .failed)
        let failed = try #require(try await fixture.audits("llm.action_failed").first)
        #expect(failed.target == "process:\(id)" && failed.decision.keys == ["error"])
        #expect(tools.requests.isEmpty)
    }

    @Test("an error of the client is recorded, not repaired, and fails the process") func clientError() async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        let model = ListedModel([.failure(ModelError(.refused, "401 no key"))])
        let result = try await fixture.executor(model).runQuantum(id)
        #expect(result.payload["error"] == .string("401 no key"))
        #expect(try await fixture.modelCalls(id).map(\.status) == [.error])
        #expect(try await fixture.process(id).status == .failed)
        #expect(try await fixture.audits("llm.action_repair_requested").isEmpty)
    }

    @Test("a store without room is no failure of the process") func storeFailure() async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        let full: FakeTools.Body = { _ in throw LibOSError(.store, "the disk is full") }
        let executor = fixture.executor(ListedModel(actions: [echo]), FakeTools([full]))
        await #expect(throws: LibOSError(.store, "the disk is full")) { try await executor.runQuantum(id) }
        #expect(try await fixture.process(id).status == .runnable)
        #expect(try await fixture.audits("llm.action_failed").isEmpty)

        let again = Scheduler(
            runtime: fixture.runtime, runner: fixture.executor(ListedModel(actions: [echo]), FakeTools([full])))
        await #expect(throws: LibOSError(.store, "the disk is full")) { try await again.runUntilIdle() }
        #expect(try await fixture.process(id).status == .runnable, "the next run goes on with it")
    }

    @Test("cancelling is no failure of the process") func cancelled() async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        let model = ListedModel([.failure(ModelError(.cancelled, "cancelled"))])
        await #expect(throws: CancellationError.self) { try await fixture.executor(model).runQuantum(id) }
        #expect(try await !fixture.process(id).status.isTerminal)
    }

    // MARK: - Budgets

    @Test("model calls and tokens are charged to the process; over the budget nothing is carried out") func budgets() async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn(budget: ResourceBudget([.modelCalls: 2, .modelTokens: 100]))
        let answer = ModelCompletion(
            toolCalls: [ModelToolCall(name: "echo", arguments: .missing)], usage: .object(["total_tokens": .int(60)]))
        let tools = FakeTools()
        let executor = fixture.executor(ListedModel([.success(answer), .success(answer)]), tools)
        _ = try await executor.runQuantum(id)
        #expect(try await fixture.process(id).usage[.modelTokens] == 60)
        let second = try await executor.runQuantum(id)
        #expect(second.payload["ok"] == .bool(false))
        #expect(tools.requests.count == 1)
        let process = try await fixture.process(id)
        #expect(process.outcome == .budget(.modelTokens) && process.status.isTerminal)
        #expect(try await fixture.modelCalls(id).count == 2)
    }

    // MARK: - Messages

    @Test("unread interrupts keep every tool but the message tools from running") func interrupts() async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        _ = try await fixture.runtime.post(MessageDraft(body: "stop", kind: .interrupt), to: id)
        let tools = FakeTools()
        let model = ListedModel(actions: [echo, ModelAction(name: "read_process_messages", arguments: .object([]))])
        let executor = fixture.executor(model, tools)
        let blocked = try await executor.runQuantum(id)
        #expect(tools.requests.isEmpty)
        let result = try #require(blocked.payload["result"])
        #expect(blocked.payload["ok"] == .bool(true))
        #expect(result["ok"] == .bool(false) && result["interrupted_by_message"] == .bool(true) && result["tool_id"] == .null)
        #expect(result["payload"]?["message_notice"] == result["message_notice"])
        #expect(result["message_notice"]?["phase"] == .string("before_tool_call"))
        _ = try await executor.runQuantum(id)
        #expect(tools.requests.map(\.tool) == ["read_process_messages"])
        let phases = try await fixture.events(.processMessageNotice, id).map { $0.payload["phase"] }
        #expect(phases.prefix(2) == [.string("before_llm_tool_selection"), .string("before_tool_call")])
        #expect(model.requests[0].messages[1].content.contains("before_llm_tool_selection"))
    }

    @Test("a normal message is noticed after the tool") func notice() async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        _ = try await fixture.runtime.post(MessageDraft(body: "hello"), to: id)
        let result = try await fixture.executor(ListedModel(actions: [echo])).runQuantum(id)
        #expect(result.payload["result"]?["message_notice"]?["phase"] == .string("after_tool_call"))
        #expect(result.payload["result"]?["ok"] == .bool(true))
    }
}
