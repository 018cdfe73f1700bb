import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import StrictJSON
import Synchronization
import Testing

@testable import AgentRuntime

struct SyscallTests {
    @Test("every name of the runtime is in the table") func names() {
        #expect(
            SyscallTable.entries.keys.sorted() == [
                "clock.now", "clock.sleep", "human.ask", "human.output", "human.request_permission", "memory.append_object",
                "memory.create_namespace", "memory.create_object", "memory.list_namespace", "memory.read_object", "process.chdir",
                "process.cwd", "process.exec", "process.exit", "process.fork", "process.list_children", "process.merge_child_memory",
                "process.read_messages", "process.receive_messages", "process.send_message", "process.signal", "process.spawn_child",
                "process.wait",
            ])
    }

    @Test(
        "what is not the runtime's is unsupported",
        arguments: [
            "filesystem.read_text", "shell.run", "image.list", "checkpoint.create", "capability.grant", "memory.rea", "", "x\u{202E}",
        ])
    func unsupported(_ name: String) async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        #expect(await fixture.call(name, by: id).error?.code == .unsupported)
    }

    @Test("arguments are read strictly", arguments: SyscallTable.entries.keys.sorted()) func strict(_ name: String) async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        let before = try await fixture.process(id)
        #expect(await fixture.call(name, ["surprise": .int(1)], by: id).error?.code == .validation)
        for arguments in [JSONValue.null, .array([]), .string("{}")] {
            let outcome = await fixture.runtime.perform(
                Syscall(name: name, arguments: arguments), for: SyscallCaller(process: id, tool: "t"))
            #expect(outcome.error?.code == .validation)
        }
        for key in try #require(SyscallTable.entries[name]).keys {
            // A list of lists is right for nobody, and any JSON is right for payloads.
            if ["payload", "item", "context"].contains(key) { continue }
            let outcome = await fixture.call(name, [key: .array([.array([])])], by: id)
            #expect(outcome.error?.code == .validation, "\(key): \(outcome)")
        }
        #expect(try await fixture.process(id) == before)
    }

    @Test("a caller that does not exist or has ended does nothing") func callers() async throws {
        let fixture = try await RuntimeFixture()
        #expect(await fixture.call("process.cwd", by: .new()).error?.code == .notFound)
        let id = try await fixture.spawn()
        try await fixture.exit(id)
        #expect(await fixture.call("memory.create_object", ["payload": .int(1)], by: id).error?.code == .process)
    }

    @Test("objects: made, shown, read in part, added to") func objects() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        let made = await fixture.call(
            "memory.create_object",
            ["type": .string("plan"), "payload": .array([.int(1)]), "name": .string("p"), "immutable": .bool(false)],
            by: id)
        let oid = try #require(made.value?["oid"])
        let seen = try await fixture.process(id).view?.roots.last?.object
        #expect(oid == .optional(seen?.text))
        #expect(await fixture.call("memory.append_object", ["name": .string("p"), "item": .int(2)], by: id).value?["version"] == .int(2))
        let read = await fixture.call("memory.read_object", ["oid": oid], by: id)
        #expect(read.value?["payload"] == .array([.int(1), .int(2)]) && read.value?["truncated"] == .bool(false))
        let cut = await fixture.call("memory.read_object", ["oid": oid, "max_chars": .int(3)], by: id)
        #expect(cut.value?["payload"] == .string("[1,") && cut.value?["truncated"] == .bool(true))
        #expect(await fixture.call("memory.read_object", ["oid": oid, "name": .string("p")], by: id).error?.code == .validation)
        #expect(await fixture.call("memory.read_object", ["oid": oid, "max_chars": .int(200_001)], by: id).error?.code == .validation)
        #expect(await fixture.call("memory.create_object", by: id).error?.code == .validation)
        #expect(await fixture.call("memory.create_object", ["payload": .null], by: id).value != nil)
        let fixed = await fixture.call("memory.create_object", ["payload": .string("x"), "name": .string("f")], by: id)
        #expect(fixed.value != nil)
        #expect(await fixture.call("memory.append_object", ["name": .string("f"), "item": .string("y")], by: id).error?.code == .denied)
    }

    @Test("exit with a payload leaves it as the result") func exit() async throws {
        let fixture = try await RuntimeFixture()
        let parent = try await fixture.spawn()
        let child = try await fixture.child(of: parent)
        #expect(
            await fixture.call("process.exit", ["payload": .int(1), "result_oid": .string(ObjectID.new().text)], by: child).error?.code
                == .validation)
        let outcome = await fixture.call("process.exit", ["payload": .object(["n": .int(7)]), "message": .string("done")], by: child)
        let result = try #require(outcome.value?["result_oid"])
        let waited = await fixture.call("process.wait", ["child_pid": .string(child.text)], by: parent)
        #expect(waited.value?["result_oid"] == result && waited.value?["message"] == .string("done"))
        #expect(await fixture.call("memory.read_object", ["oid": result], by: parent).value?["payload"] == .object(["n": .int(7)]))
    }

    @Test("children by syscall: paths from the parent's directory, budgets, capabilities") func children() async throws {
        let fixture = try await RuntimeFixture()
        let parent = try await fixture.spawn(
            extra: [try RuntimeFixture.terms("filesystem:workspace:src", [.read], isDelegable: true)], directory: "src")
        let outcome = await fixture.call(
            "process.spawn_child",
            [
                "goal": .object(["n": .int(1)]), "inherit_read_files": .array([.string("a.swift")]),
                "resource_budget": .object(["max_tool_calls": .int(3)]),
                "inherit_capabilities": .array([
                    .object(["resource": .string("process:spawn"), "rights": .array([.string("execute")])])
                ]),
            ], by: parent)
        let child = try #require(try await fixture.read { store throws(LibOSError) in try store.children(of: parent) }.first)
        #expect(outcome.value?["pid"] == .string(child.id.text) && child.budget[.toolCalls] == 3)
        let records = try await fixture.read { store throws(LibOSError) in try store.capabilities(of: child.id) }
        #expect(records.contains { $0.resource.description == "filesystem:workspace:src/a.swift" })
        #expect(records.contains { $0.resource.description == "process:spawn" })
        for wrong in [
            ["inherit_read_files": .array([.string("../../etc")])], ["resource_budget": .object(["max_wishes": .int(3)])],
            ["resource_budget": .object(["max_tool_calls": .int(-1)])], ["inherit_read_files": .array([.string("../secret")])],
            ["inherit_capabilities": .array([.object(["resource": .string("shell:*")])])],
            ["inherit_capabilities": .array([.object(["resource": .string("shell:git"), "rights": .array([.string("read")])])])],
        ] as [KeyValuePairs<String, JSONValue>] {
            #expect(await fixture.call("process.spawn_child", wrong, by: parent).error != nil, "\(wrong)")
        }
        let forked = await fixture.call("process.fork", ["mode": .string("speculative"), "include_parent_roots": .bool(false)], by: parent)
        #expect(forked.value != nil)
        #expect(try await fixture.read { store throws(LibOSError) in try store.childCount(of: parent) } == 2)
    }

    @Test("chdir goes to directories only; the clock needs its rights; sleeping blocks nobody") func chdirAndClock() async throws {
        struct OnlySource: DirectoryLookup {
            func isDirectory(_ path: String) async -> Bool { path == "src" }
        }
        let slept = Mutex<[Double]>([])
        let fixture = try await RuntimeFixture(sleeper: { seconds in slept.withLock { $0.append(seconds) } }, directories: OnlySource())
        let id = try await fixture.spawn()
        #expect(await fixture.call("process.chdir", ["path": .string("doc")], by: id).error?.code == .notFound)
        #expect(await fixture.call("process.chdir", ["path": .string("./src/")], by: id).value?["working_directory"] == .string("src"))
        #expect(await fixture.call("process.chdir", ["path": .string("../../x")], by: id).error?.code == .process)
        #expect(await fixture.call("clock.now", by: id).value?["now"] == .string(fixture.clock.now().description))
        #expect(await fixture.call("clock.sleep", ["seconds": .double(0.5)], by: id).value != nil)
        #expect(await fixture.call("clock.sleep", ["seconds": .int(61)], by: id).error?.code == .validation)
        #expect(await fixture.call("clock.sleep", ["seconds": .int(-1)], by: id).error?.code == .validation)
        #expect(slept.withLock { $0 } == [0.5])
        let bare = try await fixture.runtime.spawn(SpawnRequest(goal: .standard)).id
        #expect(await fixture.call("clock.now", by: bare).error?.code == .denied)
        #expect(await fixture.call("clock.sleep", ["seconds": .int(1)], by: bare).error?.code == .denied)
    }

    @Test("authority is looked up at each use") func revoked() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.runtime.spawn(SpawnRequest(goal: .standard)).id
        let record = try await fixture.grant(try RuntimeFixture.terms("clock:now", [.read]), to: id)
        #expect(await fixture.call("clock.now", by: id).value != nil)
        try await fixture.write { transaction throws(LibOSError) in
            _ = try fixture.runtime.authority.broker.revoke(record.id, by: .runtime("test"), in: transaction)
        }
        #expect(await fixture.call("clock.now", by: id).error?.code == .denied)
    }

    @Test("settled returns with the decision, without asking again and again") func settled() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        let wait = try #require(await fixture.call("human.ask", ["question": .string("?")], by: id).wait)
        let request = try #require(try await fixture.pending().first)
        let waiting = Task { try await fixture.runtime.settled(wait, of: id) }
        _ = try await fixture.runtime.decide(request.id, HumanDecision(responder: "human:owner", isApproved: true, answer: "x"))
        try await waiting.value
        #expect(try await fixture.process(id).status == .runnable)
    }

    @Test("settled throws when the process ends, and when the call is cancelled") func unsettled() async throws {
        let fixture = try await RuntimeFixture()
        let (ending, cancelled) = (try await fixture.spawn(), try await fixture.spawn())
        let first = try #require(await fixture.call("human.ask", ["question": .string("?")], by: ending).wait)
        let second = try #require(await fixture.call("human.ask", ["question": .string("?")], by: cancelled).wait)
        let tasks = [(first, ending), (second, cancelled)].map { wait, id in
            Task { await code { try await fixture.runtime.settled(wait, of: id) } }
        }
        try await fixture.runtime.signal(ending, .cancel)
        tasks[1].cancel()
        #expect(await tasks[0].value == .process)
        #expect(await tasks[1].value == .timeout)
        #expect(try await fixture.process(cancelled).status == .waitingHuman)
    }

    @Test("a kept result is an immutable object of the process") func keptResult() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        let tool = ToolID.new()
        let handle = try #require(
            try await fixture.write { transaction throws(LibOSError) in
                try fixture.runtime.keepResult(.object(["ok": .bool(true)]), title: "Result of x", tool: tool, of: id, in: transaction)
            })
        let object = try await fixture.read { store throws(LibOSError) in try store.object(handle.object) }
        #expect(object?.type == .toolResult && object?.isImmutable == true && object?.metadata.title == "Result of x")
        #expect(object?.provenance.sourceRefs == [tool.text] && object?.createdBy == id.text)
    }
}
