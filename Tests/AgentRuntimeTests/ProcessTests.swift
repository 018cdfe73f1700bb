import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import StrictJSON
import Testing

@testable import AgentRuntime

struct ProcessTests {
    @Test("spawn: record, goal, namespace, authority, event, audit") func spawn() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn("find it", directory: "a/./b")
        let process = try await fixture.process(id)
        #expect(process.status == .runnable && process.parent == nil && process.workingDirectory == "a/b")
        #expect(process.toolTable["process_exit"] == ToolID("tool_static_process_exit"))
        let goal = try #require(process.goal)
        let object = try await fixture.read { store throws(LibOSError) in try store.object(goal) }
        #expect(object?.type == .goal && object?.isImmutable == true && object?.metadata.title == "Process goal")
        #expect(object?.metadata.tags == ["goal"] && object?.payload == .object(["text": .string("find it")]))
        #expect(process.view?.mode == .mutable && process.view?.roots.map(\.object) == [goal])
        let event = try #require(try await fixture.events(.processCreated, for: id.text).first)
        #expect(event.source == "runtime" && event.payload.keys == ["pid", "image", "goal_oid", "working_directory"])
        let audit = try #require(try await fixture.audits("process.spawn").first)
        #expect(audit.entry.actor == "runtime" && audit.entry.outputs == [goal])
        #expect(audit.entry.decision.keys.sorted() == ["image", "working_directory"])
        #expect(try await fixture.audits("memory.ensure_process_namespace").count == 1)
        #expect(try await fixture.audits("process.tools.configure").count == 1)
    }

    @Test("what an image requires is declared and never granted") func declarationsOnly() async throws {
        let fixture = try await RuntimeFixture()
        try await fixture.write { transaction throws(LibOSError) in
            try transaction.put(
                AgentImage(
                    id: "greedy:v0", name: "greedy", defaultTools: ["missing_tool", "echo"],
                    requiredCapabilities: ["filesystem:workspace:* read"]))
        }
        let root = try await fixture.spawn(image: "greedy:v0")
        let child = try await fixture.child(of: root)
        for id in [root, child] {
            let records = try await fixture.read { store throws(LibOSError) in try store.capabilities(of: id) }
            #expect(records.allSatisfy { $0.resource.kind != .filesystem })
            #expect(try await fixture.process(id).toolTable.keys.sorted() == ["echo"])
        }
        #expect(try await fixture.audits("image.default_tool_configure_failed").count == 2)
        let skipped = try await fixture.audits("image.default_capability_skipped_for_child")
        #expect(skipped.map(\.entry.target) == ["process:\(child)"])
    }

    @Test("fork modes decide the child's view", arguments: ForkMode.allCases) func fork(_ mode: ForkMode) async throws {
        let fixture = try await RuntimeFixture()
        let parent = try await fixture.spawn(budget: ResourceBudget([.toolCalls: 9, .childProcesses: 4]))
        let (note, handle) = try await fixture.create(.string("x"), by: parent, isImmutable: false)
        let origin = fixture.origin(parent)
        let child = try await fixture.write { transaction throws(LibOSError) in
            var process = try transaction.existingProcess(parent)
            process.see(handle)
            try transaction.update(process)
            return try fixture.runtime.processes.fork(ChildRequest(goal: .text("sub")), mode: mode, by: origin, in: transaction)
        }
        #expect(child.parent == parent && child.budget[.toolCalls] == 4 && child.budget[.childProcesses] == 2)
        #expect(child.view?.mode == mode.viewMode)
        let roots = try #require(child.view?.roots)
        #expect(roots.last?.object == child.goal && roots.count == 3)
        let seen = try #require(roots.first { $0.object == note.id })
        #expect(seen.rights == (mode == .copy ? [.read, .materialize, .diff, .write] : [.read, .materialize, .diff]))
        let record = try await fixture.read { store throws(LibOSError) in try store.capability(seen.capability) }
        #expect(record?.subject == child.id && record?.parent == handle.capability)
        let event = try #require(try await fixture.events(.processForked, for: child.id.text).first)
        #expect(event.source == parent.text && event.payload.keys == ["parent", "child", "mode", "working_directory"])
        #expect(try await fixture.audits("process.fork").first?.entry.outputs == [child.goal].compactMap { $0 })
        #expect(try await fixture.process(parent).usage[.childProcesses] == 1)
    }

    @Test("fork of a process without a view") func forkWithoutView() async throws {
        let fixture = try await RuntimeFixture()
        let parent = try await fixture.spawn()
        let origin = fixture.origin(parent)
        let child = try await fixture.write { transaction throws(LibOSError) in
            var process = try transaction.existingProcess(parent)
            process.view = nil
            try transaction.update(process)
            return try fixture.runtime.processes.fork(ChildRequest(goal: .standard), by: origin, in: transaction)
        }
        #expect(child.view?.roots.map(\.object) == [child.goal].compactMap { $0 })
    }

    @Test("spawn_child sees its goal alone and says who made it") func spawnChild() async throws {
        let fixture = try await RuntimeFixture()
        let parent = try await fixture.spawn(directory: "src")
        let child = try await fixture.child(of: parent, ChildRequest(goal: .text("c"), workingDirectory: "../doc"))
        let process = try await fixture.process(child)
        #expect(process.view?.roots.map(\.object) == [process.goal].compactMap { $0 } && process.workingDirectory == "doc")
        #expect(try await fixture.events(.processCreated, for: child.text).first?.source == parent.text)
        #expect(try await fixture.audits("process.spawn_child").first?.entry.actor == parent.text)
    }

    @Test("children need authority, a living parent, a known image and budget") func refusedChildren() async throws {
        let fixture = try await RuntimeFixture()
        let bare = try await fixture.runtime.spawn(SpawnRequest(goal: .standard)).id
        #expect(await code { try await fixture.child(of: bare) } == .denied)
        let parent = try await fixture.spawn(budget: ResourceBudget([.childProcesses: 1]))
        #expect(await code { try await fixture.child(of: parent, ChildRequest(goal: .standard, image: "none:v0")) } == .notFound)
        #expect(
            await code { try await fixture.child(of: parent, ChildRequest(goal: .standard, budget: ResourceBudget([.childProcesses: 1]))) }
                == .limit)
        let child = try await fixture.child(of: parent)
        try await fixture.exit(child)
        // The ended one counts.
        #expect(await code { try await fixture.child(of: parent) } == .limit)
        try await fixture.exit(parent)
        #expect(await code { try await fixture.child(of: parent) } == .process)
        let children = try await fixture.read { store throws(LibOSError) in try store.childCount(of: parent) }
        #expect(children == 1)
    }

    @Test("a child takes over only what its parent may always do and pass on") func inheritance() async throws {
        let fixture = try await RuntimeFixture()
        let parent = try await fixture.spawn(extra: [
            try RuntimeFixture.terms("filesystem:workspace:src", [.read, .write], isDelegable: true),
            try RuntimeFixture.terms("filesystem:workspace:secret", [.read]),
            try RuntimeFixture.terms("filesystem:workspace:asked", [.read], effect: .ask),
            try RuntimeFixture.terms("filesystem:workspace:once", [.read], uses: 1),
        ])
        func wish(_ text: String, _ right: CapabilityRight = .read) throws -> ChildRequest {
            ChildRequest(goal: .standard, inherited: [NeededRight(resource: try Resource.parse(text), rights: [right])])
        }
        let child = try await fixture.child(of: parent, try wish("filesystem:workspace:src/a"))
        let records = try await fixture.read { store throws(LibOSError) in try store.capabilities(of: child) }
        #expect(
            records.contains { $0.resource.description == "filesystem:workspace:src/a" && $0.issuedBy == "process.spawn_child:\(parent)" })
        for name in ["secret", "asked", "once", "missing"] {
            let request = try wish("filesystem:workspace:\(name)")
            #expect(await code { try await fixture.child(of: parent, request) } == .denied, "\(name)")
        }
        #expect(try await fixture.process(parent).usage[.childProcesses] == 1)
    }

    @Test("exec replaces image and tools and shrinks authority, but takes no restriction away") func exec() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn(extra: [
            try RuntimeFixture.terms("filesystem:workspace:*", [.read]),
            try RuntimeFixture.terms("filesystem:workspace:.env", [.read], effect: .deny),
        ])
        let (object, _) = try await fixture.create(.int(1), by: id)
        let origin = fixture.origin(id)
        let old = try await fixture.process(id)
        let process = try await fixture.write { transaction throws(LibOSError) in
            try fixture.runtime.processes.exec(
                ExecRequest(image: "coding-agent:v0", goal: .text("new"), preservesMemory: false), by: origin, in: transaction)
        }
        #expect(process.id == id && process.image == "coding-agent:v0" && process.toolTable["run_shell_command"] != nil)
        #expect(process.goal != old.goal && process.view?.roots.map(\.object) == [process.goal].compactMap { $0 })
        let records = try await fixture.read { store throws(LibOSError) in try store.capabilities(of: id) }.filter { $0.status == .active }
        #expect(records.contains { $0.effect == .deny })
        #expect(!records.contains { $0.resource.kind == .filesystem && $0.effect == .allow })
        #expect(records.contains { $0.resource.description == "object:\(object.id)" })
        #expect(records.contains { $0.resource.kind == .objectNamespace })
        let event = try #require(try await fixture.events(.processExec, for: id.text).first)
        #expect(
            event.payload.keys == ["old_image", "new_image", "preserve_memory", "preserve_capabilities", "goal_oid", "working_directory"])
        #expect(try await fixture.audits("process.exec").first?.entry.decision["args"] == .object([]))
    }

    @Test("exec without goal and memory has no view; a record that cannot be revoked stops it whole") func execEdges() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn(extra: [try RuntimeFixture.terms("shell:git", [.execute], isRevocable: false)])
        let origin = fixture.origin(id)
        let before = try await fixture.process(id)
        #expect(
            await code {
                try await fixture.write { transaction throws(LibOSError) in
                    try fixture.runtime.processes.exec(ExecRequest(image: "coding-agent:v0"), by: origin, in: transaction)
                }
            } == .denied)
        #expect(try await fixture.process(id) == before)
        let active = try await fixture.read { store throws(LibOSError) in try store.capabilities(of: id) }.filter { $0.status == .active }
        #expect(active.contains { $0.resource.kind == .clock })
        let process = try await fixture.write { transaction throws(LibOSError) in
            try fixture.runtime.processes.exec(
                ExecRequest(image: "coding-agent:v0", preservesMemory: false, preservesCapabilities: true), by: origin, in: transaction)
        }
        #expect(process.view == nil && process.goal == before.goal)
        #expect(
            await code {
                try await fixture.write { transaction throws(LibOSError) in
                    try fixture.runtime.processes.exec(ExecRequest(image: "no:v0"), by: origin, in: transaction)
                }
            } == .notFound)
    }

    @Test("chdir is cleaned, recorded and refused for the dead") func chdir() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn(directory: "a")
        let origin = fixture.origin(id)
        let directory = try await fixture.write { transaction throws(LibOSError) in
            try fixture.runtime.processes.setWorkingDirectory("../b/c", by: origin, in: transaction)
        }
        #expect(directory == "b/c")
        #expect(try await fixture.audits("process.chdir").count == 1)
        try await fixture.exit(id)
        #expect(
            await code {
                try await fixture.write { transaction throws(LibOSError) in
                    try fixture.runtime.processes.setWorkingDirectory("x", by: origin, in: transaction)
                }
            } == .process)
    }

    @Test("children are listed by age, for the record") func list() async throws {
        let fixture = try await RuntimeFixture()
        let parent = try await fixture.spawn()
        let first = try await fixture.child(of: parent)
        fixture.clock.advance(seconds: 1)
        let second = try await fixture.child(of: parent)
        let children = try await fixture.write { transaction throws(LibOSError) in
            try fixture.runtime.processes.listChildren(of: parent, in: transaction)
        }
        #expect(children.map(\.id) == [first, second])
        #expect(try await fixture.audits("process.list_children").count == 1)
    }

    @Test("the 1,000 calls of 50 children add up in every ancestor") func budgetsAddUp() async throws {
        let fixture = try await RuntimeFixture()
        let root = try await fixture.spawn(budget: ResourceBudget([.toolCalls: 1_000, .childProcesses: 51]))
        let middle = try await fixture.child(
            of: root,
            ChildRequest(goal: .standard, inherited: [try spawnNeed()], budget: ResourceBudget([.toolCalls: 1_000, .childProcesses: 50])))
        var leaves: [ProcessID] = []
        for _ in 0..<50 {
            leaves.append(try await fixture.child(of: middle, ChildRequest(goal: .standard, budget: ResourceBudget([.toolCalls: 20]))))
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for leaf in leaves {
                group.addTask {
                    for _ in 0..<20 {
                        try await fixture.write { transaction throws(LibOSError) in try transaction.charge(1, of: .toolCalls, to: leaf) }
                    }
                }
            }
            try await group.waitForAll()
        }
        for leaf in leaves { #expect(try await fixture.process(leaf).usage[.toolCalls] == 20) }
        #expect(try await fixture.process(middle).usage == ResourceUsage([.toolCalls: 1_000, .childProcesses: 50]))
        #expect(try await fixture.process(root).usage == ResourceUsage([.toolCalls: 1_000, .childProcesses: 51]))
        for id in [leaves[0], middle, root] {
            #expect(
                await code {
                    try await fixture.write { transaction throws(LibOSError) in try transaction.charge(1, of: .toolCalls, to: id) }
                } == .limit)
        }
        #expect(try await fixture.process(root).usage[.toolCalls] == 1_000)
    }

    private func spawnNeed() throws -> NeededRight { NeededRight(resource: try Resource.parse("process:spawn"), rights: [.execute]) }
}
