import AgentRuntime
import LLMExecutor
import LibOSModel
import StrictJSON
import Testing
import ToolBroker

/// Actions that wait: kept as they were selected, claimed before they are done, done once.
struct WaitAndResumeTests {
    @Test("waiting for a person: payload, audit, and the action in the store") func human() async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        let result = try await fixture.executor(ListedModel(actions: [echo]), FakeTools([fixture.asking(id)])).runQuantum(id)
        #expect(result.payload.keys == ["ok", "waiting_human", "request_id"])
        let audit = try #require(try await fixture.audits("llm.action_waiting_human").first)
        #expect(audit.decision.keys == ["request_id", "action", "message", "tool_call_count"])
        let request = try #require(try await fixture.runtime.pendingRequests().first)
        #expect(audit.target == "human_request:\(request.id)" && result.payload["request_id"] == .string(request.id.text))
        let pending = try #require(try await fixture.pendingAction(id))
        #expect(
            pending.action.canonicalText == echo.json.canonicalText && pending.state == .pending && pending.wait == .human([request.id]))
        #expect(try await fixture.process(id).status == .waitingHuman)
        #expect(try await fixture.audits("llm.action").filter { $0.action == "llm.action" }.isEmpty)
    }

    @Test("after a yes the same action is done without asking the model") func approved() async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        let tools = FakeTools([fixture.asking(id)])
        let model = ListedModel(actions: [echo])
        let executor = fixture.executor(model, tools)
        _ = try await executor.runQuantum(id)
        try await fixture.decide(id, true)
        let result = try await executor.runQuantum(id)
        #expect(result.payload.keys == ["ok", "action", "result", "resumed_after_human"])
        #expect(result.payload["action"]?.canonicalText == echo.json.canonicalText && result.payload["resumed_after_human"] == .bool(true))
        #expect(model.requests.count == 1)
        #expect(tools.requests.map(\.isRepeated) == [false, true] && tools.requests[1].resumed != nil)
        #expect(tools.requests[0].arguments.canonicalText == tools.requests[1].arguments.canonicalText)
        #expect(try await fixture.pendingAction(id) == nil)
        let action = try #require(try await fixture.audits("llm.action").first { $0.action == "llm.action" })
        #expect(action.decision["resumed_after_human"] == .bool(true))
    }

    @Test("an allowed action that an interrupt kept from being done does not stay allowed") func supersededApproval() async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        let tools = FakeTools([fixture.asking(id)])
        let executor = fixture.executor(ListedModel(actions: [echo]), tools)
        _ = try await executor.runQuantum(id)
        let request = try #require(try await fixture.runtime.pendingRequests().first)
        try await fixture.decide(id, true)
        _ = try await fixture.runtime.post(MessageDraft(body: "stop", kind: .interrupt), to: id)
        let result = try await executor.runQuantum(id)
        #expect(result.payload["result"]?["interrupted_by_message"] == .bool(true) && tools.requests.count == 1)
        let (left, bound) = try await fixture.runtime.store.read { store throws(LibOSError) in
            (try store.humanRequest(request.id), try store.capabilities(of: id).filter { $0.constraints.actionHash != nil })
        }
        #expect(left?.status == .cancelled && bound.map(\.status) == [.revoked])
    }

    @Test("an allowed action that the model does not come back to does not stay allowed") func forgottenApproval() async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        // As a tool leaves it that was cancelled while it waited: the question is open, and no action is kept.
        _ = try await fixture.asking(id)(ToolCallRequest(process: id, tool: "echo", arguments: .object([])))
        let request = try #require(try await fixture.runtime.pendingRequests().first)
        try await fixture.decide(id, true)
        _ = try await fixture.executor(ListedModel(actions: [echo])).runQuantum(id)
        let (left, bound) = try await fixture.runtime.store.read { store throws(LibOSError) in
            (try store.humanRequest(request.id), try store.capabilities(of: id).filter { $0.constraints.actionHash != nil })
        }
        #expect(left?.status == .cancelled && bound.map(\.status) == [.revoked])
        let refusal = await #expect(throws: LibOSError.self) {
            try await fixture.runtime.decide(request.id, left?.decision ?? .init(responder: "human:owner", isApproved: true))
        }
        #expect(refusal?.message.contains("was withdrawn") == true)
    }

    @Test("a no is a failed result; the process goes on") func rejected() async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        let tools = FakeTools([fixture.asking(id)])
        let executor = fixture.executor(ListedModel(actions: [echo, echo]), tools)
        _ = try await executor.runQuantum(id)
        try await fixture.decide(id, false, reason: "not\u{1B} today")
        let result = try await executor.runQuantum(id)
        #expect(result.payload["ok"] == .bool(true) && result.payload["resumed_after_human"] == .bool(true))
        let inner = try #require(result.payload["result"])
        #expect(inner.keys == ["ok", "tool_id", "result_oid", "payload", "error"])
        #expect(inner["ok"] == .bool(false))
        guard case .string(let text)? = inner["error"] else { throw ActionProblem("no text") }
        #expect(text.contains("rejected") && text.contains("today") && !text.contains("\u{1B}"))
        #expect(tools.requests.count == 1)
        let event = try #require(try await fixture.events(.toolFailed, id).first)
        #expect(event.source == "tool:tool_static_echo")
        #expect(event.payload.keys == ["error", "tool_name", "request_id", "policy_decision", "policy_reason"])
        #expect(event.payload["policy_reason"] == .string("human_rejected_per_use_approval"))
        let audit = try #require(try await fixture.audits("llm.pending_action_rejected").first)
        #expect(audit.target == "echo" && audit.decision.keys == ["request_id", "action", "error"])
        #expect(try await fixture.pendingAction(id) == nil)
        #expect(try await fixture.process(id).status == .runnable)
        _ = try await executor.runQuantum(id)
        #expect(tools.requests.count == 2)
    }

    @Test("an undecided request keeps the action and costs nothing, whatever woke the process") func stillPending() async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        let tools = FakeTools([fixture.asking(id)])
        let executor = fixture.executor(ListedModel(actions: [echo]), tools)
        _ = try await executor.runQuantum(id)
        try await fixture.runtime.store.write { transaction throws(LibOSError) in
            var process = try transaction.existingProcess(id)
            process.status = .runnable
            process.wait = nil
            try transaction.update(process)
        }
        let result = try await executor.runQuantum(id)
        #expect(result.payload["waiting_human"] == .bool(true) && !result.isCharged)
        #expect(tools.requests.count == 1)
        #expect(try await fixture.process(id).status == .waitingHuman)
        #expect(try await fixture.pendingAction(id)?.state == .pending)
    }

    @Test("an approved action may need another yes") func twice() async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        let tools = FakeTools([fixture.asking(id), fixture.asking(id)])
        let executor = fixture.executor(ListedModel(actions: [echo]), tools)
        _ = try await executor.runQuantum(id)
        try await fixture.decide(id, true)
        #expect(try await executor.runQuantum(id).payload["waiting_human"] == .bool(true))
        #expect(try await fixture.pendingAction(id)?.state == .pending)
        try await fixture.decide(id, true)
        #expect(try await executor.runQuantum(id).payload["resumed_after_human"] == .bool(true))
        #expect(tools.requests.count == 3)
    }

    @Test("waiting for a child, on the first way and after a yes", arguments: [false, true]) func child(_ afterHuman: Bool) async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        let runtime = fixture.runtime
        let child = try await runtime.store.write { transaction throws(LibOSError) in
            try runtime.processes.spawnChild(
                ChildRequest(goal: .text("c")), by: ActionOrigin(process: id, tool: "t"), in: transaction
            ).id
        }
        let waiting: FakeTools.Body = { _ in
            let wait = try await runtime.store.write { transaction throws(LibOSError) in
                try runtime.processes.wait(for: child, by: ActionOrigin(process: id, tool: "t"), in: transaction)
            }
            guard case .waiting(let state) = wait else { return .done(FakeTools.result(.null)) }
            return .waiting(state)
        }
        let tools = FakeTools((afterHuman ? [fixture.asking(id)] : []) + [waiting])
        let executor = fixture.executor(ListedModel(actions: [echo]), tools)
        var result = try await executor.runQuantum(id)
        if afterHuman {
            try await fixture.decide(id, true)
            result = try await executor.runQuantum(id)
        }
        #expect(result.payload.keys == ["ok", "waiting_event", "child_pid"] && result.payload["child_pid"] == .string(child.text))
        let audit = try #require(try await fixture.audits("llm.action_waiting_child").first)
        #expect(audit.target == "process:\(child)" && audit.decision.keys == ["child_pid", "action", "message", "tool_call_count"])
        #expect(try await executor.runQuantum(id).payload["skipped"] == .bool(true))

        try await runtime.store.write { transaction throws(LibOSError) in
            try runtime.processes.exit(ActionOrigin(process: child, tool: "process_exit"), message: "done", in: transaction)
        }
        let resumed = try await executor.runQuantum(id)
        #expect(resumed.payload.keys == ["ok", "action", "result"])
        #expect(tools.requests.last?.isRepeated == true)
        #expect(try await fixture.pendingAction(id) == nil)
    }

    @Test("waiting for a message that matches") func message() async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        let runtime = fixture.runtime
        let filter = MessageFilter(channel: "work")
        let waiting: FakeTools.Body = { _ in
            let receipt = MessageReceipt(filter: filter)
            let wait = try await runtime.store.write { transaction throws(LibOSError) in
                try runtime.messages.receive(receipt, of: id, in: transaction)
            }
            guard case .waiting(let state) = wait else { return .done(FakeTools.result(.null)) }
            return .waiting(state)
        }
        let executor = fixture.executor(ListedModel(actions: [echo]), FakeTools([waiting]))
        let result = try await executor.runQuantum(id)
        #expect(result.payload.keys == ["ok", "waiting_message", "filters"] && result.payload["filters"]?["channel"] == .string("work"))
        let audit = try #require(try await fixture.audits("llm.action_waiting_message").first)
        #expect(audit.target == "process:\(id)" && audit.decision.keys == ["filters", "action", "message", "tool_call_count"])
        _ = try await runtime.post(MessageDraft(body: "x", channel: "other"), to: id)
        #expect(try await executor.runQuantum(id).payload["skipped"] == .bool(true))
        _ = try await runtime.post(MessageDraft(body: "x", channel: "work"), to: id)
        let resumed = try await executor.runQuantum(id)
        #expect(resumed.payload["resumed_after_message"] == .bool(true))
    }

    @Test("an action is claimed in the store before it is done again") func claimed() async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        let looks: FakeTools.Body = {
            [runtime = fixture.runtime] (_: ToolCallRequest) async throws(LibOSError) -> Completion<ToolCallResult> in
            let state = try await runtime.store.read { store throws(LibOSError) in try store.pendingAction(of: id)?.state }
            return .done(FakeTools.result(.string(state?.rawValue ?? "none")))
        }
        let executor = fixture.executor(ListedModel(actions: [echo]), FakeTools([fixture.asking(id), looks]))
        _ = try await executor.runQuantum(id)
        try await fixture.decide(id, true)
        let result = try await executor.runQuantum(id)
        #expect(result.payload["result"]?["payload"] == .string("resuming"))
    }
}
