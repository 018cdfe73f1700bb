import CapabilityLanguage
import Glibc
import LibOSModel
import SQLiteRuntimeStore
import StrictJSON
import TestSupport
import Testing

@testable import AgentRuntime

/// What a crash ends, it ends as wholly as anything else does.
struct RecoveryTests {
    @Test("a process that a crash ended leaves no living child, no open question and no memory of its own") func orphans() async throws {
        let scratch = try ScratchDirectory("recovery")
        defer { scratch.remove() }
        let directory = scratch.path
        let path = directory + "/store.sqlite"
        let before = AgentRuntime(store: try await SQLiteRuntimeStore.open(path: path), tools: NamedTools())
        try await before.start()
        let terms = try RuntimeFixture.standardTerms()
        let parent = try await before.spawn(SpawnRequest(goal: .text("a"), capabilities: terms)).id
        let (child, grandchild) = try await before.store.write { transaction throws(LibOSError) in
            let child = try before.processes.spawnChild(
                ChildRequest(
                    goal: .text("b"), inherited: [NeededRight(resource: .spawn, rights: [.execute])]),
                by: ActionOrigin(process: parent, tool: "t"), in: transaction
            ).id
            let grandchild = try before.processes.spawnChild(
                ChildRequest(goal: .text("c")), by: ActionOrigin(process: child, tool: "t"), in: transaction
            ).id
            return (child, grandchild)
        }
        let made = await before.perform(
            Syscall(name: "memory.create_object", arguments: .object(["payload": .string("kept"), "name": .string("n")])),
            for: SyscallCaller(process: parent, tool: "t"))
        let object = try #require(made.value?["oid"])
        // The parent was in the middle of an action that had waited.
        #expect(try await Scheduler(runtime: before, runner: PlannedRunner { _, _ in nil }).claim(parent))
        try await before.store.write { transaction throws(LibOSError) in
            try transaction.put(
                PendingAction(
                    process: parent, action: .object([]), wait: .child(child), contentPreview: "", toolCallCount: 1,
                    state: .resuming, generation: 0, createdAt: transaction.now))
            try transaction.insert(
                HumanRequest(
                    process: parent, content: .question(text: "?", context: .object([])), createdAt: transaction.now))
        }
        await before.store.close()

        let after = AgentRuntime(store: try await SQLiteRuntimeStore.open(path: path), tools: NamedTools())
        try await after.start()
        let ended = try await after.store.read { store throws(LibOSError) in
            try [parent, child, grandchild].map { id throws(LibOSError) in try store.existingProcess(id).status }
        }
        #expect(ended == [.failed, .killed, .killed])
        #expect(try await after.pendingRequests().isEmpty)
        let left = try await after.store.read { store throws(LibOSError) in
            guard case .string(let text) = object, let id = ObjectID(text) else { return true }
            return try store.object(id) != nil
        }
        #expect(!left, "memory of the dead is released")
        await after.store.close()
    }
}
