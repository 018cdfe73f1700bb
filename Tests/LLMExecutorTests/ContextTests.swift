import AgentRuntime
import LLMExecutor
import LibOSModel
import StrictJSON
import Testing

/// The account that a model reads.
struct ContextTests {
    private func log(_ fixture: QuantumFixture, _ id: ProcessID) async throws -> AgentObject {
        try await fixture.runtime.store.read { store throws(LibOSError) in
            guard let object = try store.object(named: "llm_context:\(id)", in: AgentProcess.namespace(of: id)) else {
                throw .notFound("context")
            }
            return object
        }
    }

    private func kinds(_ object: AgentObject) -> [JSONValue?] {
        guard case .array(let entries)? = object.payload["entries"] else { return [] }
        return entries.map { $0["kind"] }
    }

    @Test("it begins with facts that never change, and says everything once") func first() async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        _ = try await fixture.executor(ListedModel(actions: [echo])).runQuantum(id)
        let object = try await log(fixture, id)
        #expect(object.type == .processState && !object.isImmutable && object.metadata.tags == ["llm_context", "prompt_cache"])
        #expect(object.payload["kind"] == .string("llm_context") && object.payload["schema_version"] == .int(1))
        #expect(
            object.payload["static_prefix"]?.keys == [
                "pid", "image_id", "image_name", "image_version", "safety_profile", "context_policy", "parent_pid",
                "initial_working_directory", "goal_oid", "tool_names",
            ])
        let kinds = kinds(object)
        #expect(kinds.first == .string("process_started"))
        for kind in ["process_snapshot", "capabilities_snapshot", "tool_table_snapshot", "events_delta", "memory_delta"] {
            #expect(kinds.filter { $0 == .string(kind) }.count == 1, "\(kind)")
        }
        #expect(try await fixture.process(id).view?.roots.first?.object == object.id)
    }

    @Test("later turns only add what is new, behind what was read before") func appends() async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        let model = ListedModel(actions: [echo, echo, echo])
        let executor = fixture.executor(model)
        for _ in 0..<3 { _ = try await executor.runQuantum(id) }
        let texts = model.requests.map { $0.messages[1].content }
        #expect(texts[1].hasPrefix(texts[0]) && texts[2].hasPrefix(texts[1]))
        let kinds = try await kinds(log(fixture, id))
        #expect(kinds.filter { $0 == .string("tool_table_snapshot") }.count == 1)
        #expect(kinds.filter { $0 == .string("capabilities_snapshot") }.count == 1)
    }

    @Test("an object that changes is told again") func changes() async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        let runtime = fixture.runtime
        let origin = ActionOrigin(process: id, tool: "t")
        let created = try await runtime.store.write { transaction throws(LibOSError) in
            let created = try runtime.memory.create(
                ObjectDraft(type: .plan, payload: .string("FIRST-PLAN"), isImmutable: false), by: origin, in: transaction)
            var process = try transaction.existingProcess(id)
            process.see(created.handle)
            try transaction.update(process)
            return created.handle
        }
        let model = ListedModel(actions: [echo, echo])
        let executor = fixture.executor(model)
        _ = try await executor.runQuantum(id)
        try await runtime.store.write { transaction throws(LibOSError) in
            _ = try runtime.memory.update(created, with: ObjectPatch(payload: .string("SECOND-PLAN")), by: origin, in: transaction)
        }
        _ = try await executor.runQuantum(id)
        #expect(model.requests[0].messages[1].content.contains("FIRST-PLAN"))
        #expect(!model.requests[0].messages[1].content.contains("SECOND-PLAN"))
        #expect(model.requests[1].messages[1].content.contains("SECOND-PLAN"))
    }

    @Test("what another executor, or nobody, wrote meanwhile is told as if it were read each time") func remembered() async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        let (one, two) = (ListedModel(actions: [echo, echo, echo]), ListedModel(actions: [echo, echo]))
        // Each remembers the account that it wrote last, and the other one writes in between.
        let (first, second) = (fixture.executor(one), fixture.executor(two))
        for executor in [first, second, first, second, first] { _ = try await executor.runQuantum(id) }
        let texts = [one.requests[0], two.requests[0], one.requests[1], two.requests[1], one.requests[2]].map { $0.messages[1].content }
        for (earlier, later) in zip(texts, texts.dropFirst()) { #expect(later.hasPrefix(earlier)) }
        // And one that remembers nothing reads the same.
        let three = ListedModel(actions: [echo])
        _ = try await fixture.executor(three).runQuantum(id)
        #expect(three.requests[0].messages[1].content.hasPrefix(texts[4]))
        let kinds = try await kinds(log(fixture, id))
        #expect(kinds.filter { $0 == .string("tool_table_snapshot") }.count == 1)
    }

    @Test("it stays within its budget, and names what fell out") func bounded() async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn(budget: ResourceBudget([.materializedTokens: 4_000]))
        let runtime = fixture.runtime
        let model = ListedModel(actions: Array(repeating: echo, count: 40))
        let executor = fixture.executor(model)
        for number in 0..<40 {
            try await runtime.store.write { transaction throws(LibOSError) in
                _ = try runtime.messages.post(
                    MessageDraft(body: String(repeating: "filler \(number) ", count: 60)), from: "human:owner", to: id, in: transaction)
            }
            _ = try await executor.runQuantum(id)
        }
        let sizes = model.requests.map { TokenEstimate.of($0.messages[1].content) }
        #expect(sizes.allSatisfy { $0 < 4_600 })
        let last = try #require(model.requests.last).messages[1].content
        #expect(last.contains("older entries no longer fit"))
        guard case .int(let dropped)? = try await log(fixture, id).payload["dropped"]?["entries"] else { throw ActionProblem("no count") }
        #expect(dropped > 0)
    }

    @Test("a foreign object under its name is an error that names it") func foreign() async throws {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        let runtime = fixture.runtime
        try await runtime.store.write { transaction throws(LibOSError) in
            _ = try runtime.memory.create(
                ObjectDraft(type: .observation, payload: .string("mine"), name: "llm_context:\(id)"),
                by: ActionOrigin(process: id, tool: "t"), in: transaction)
        }
        let error = await #expect(throws: LibOSError.self) { try await fixture.executor(ListedModel(actions: [echo])).runQuantum(id) }
        #expect(error?.message.contains("llm_context:\(id)") == true)
    }

    @Test("a context that a process rewrote does no harm", arguments: ["[]", "{}", #"{"entries":"x"}"#]) func hostile(_ entries: String)
        async throws
    {
        let fixture = try await QuantumFixture()
        let id = try await fixture.spawn()
        let runtime = fixture.runtime
        let executor = fixture.executor(ListedModel(actions: [echo, echo]))
        _ = try await executor.runQuantum(id)
        let object = try await log(fixture, id)
        let inner = try JSONDocument.read(Array(entries.utf8), bounds: DocumentBounds(bytes: 1000, depth: 8, nodes: 100)).value
        guard case .object(let members) = object.payload else { throw ActionProblem("no object") }
        let payload = JSONValue.object(
            members.filter { $0.key != "captured" && $0.key != "entries" } + [
                JSONMember("captured", .object(["last_event": .string("evt_forged"), "tools": inner])),
                JSONMember("entries", .array([inner, .string("x"), .null])),
            ])
        try await runtime.store.write { transaction throws(LibOSError) in
            let origin = ActionOrigin(process: id, tool: "t")
            let handle = try runtime.memory.handle(to: object.id, rights: [.read, .write], for: origin, in: transaction)
            _ = try runtime.memory.update(handle, with: ObjectPatch(payload: payload), by: origin, in: transaction)
        }
        let result = try await executor.runQuantum(id)
        #expect(result.payload["ok"] == .bool(true))
    }
}
