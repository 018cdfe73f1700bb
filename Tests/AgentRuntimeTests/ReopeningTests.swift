import CapabilityLanguage
import Glibc
import LibOSModel
import SQLiteRuntimeStore
import StrictJSON
import TestSupport
import Testing

@testable import AgentRuntime

struct ReopeningTests {
    @Test("what was there is there again: payloads, waits, questions; what ran is held and can be resumed") func reopen() async throws {
        let scratch = try ScratchDirectory("runtime")
        defer { scratch.remove() }
        let directory = scratch.path
        let path = directory + "/store.sqlite"
        let first = try await SQLiteRuntimeStore.open(path: path)
        let before = AgentRuntime(store: first, tools: NamedTools())
        try await before.start()
        let terms = try RuntimeFixture.standardTerms()
        let running = try await before.spawn(SpawnRequest(goal: .text("a"), capabilities: terms)).id
        let asking = try await before.spawn(SpawnRequest(goal: .text("b"), capabilities: terms)).id
        _ = await before.perform(
            Syscall(name: "memory.create_object", arguments: .object(["payload": .string("kept"), "name": .string("n")])),
            for: SyscallCaller(process: running, tool: "t"))
        _ = await before.perform(
            Syscall(name: "human.ask", arguments: .object(["question": .string("?")])), for: SyscallCaller(process: asking, tool: "t"))
        #expect(try await Scheduler(runtime: before, runner: PlannedRunner { _, _ in nil }).claim(running))
        await before.store.close()

        let after = AgentRuntime(store: try await SQLiteRuntimeStore.open(path: path), tools: NamedTools())
        try await after.start()
        let (held, waiting) = try await after.store.read { store throws(LibOSError) in
            (try store.existingProcess(running), try store.existingProcess(asking))
        }
        #expect(held.status == .paused && held.pause == .interrupted)
        #expect(waiting.status == .waitingHuman)
        try await after.signal(running, .resume)
        let outcome = await after.perform(
            Syscall(name: "memory.read_object", arguments: .object(["name": .string("n")])),
            for: SyscallCaller(process: running, tool: "t"))
        #expect(outcome.value?["payload"] == .string("kept"))
        let request = try #require(try await after.pendingRequests().first)
        _ = try await after.decide(request.id, HumanDecision(responder: "human:owner", isApproved: true, answer: "x"))
        let woken = try await after.store.read { store throws(LibOSError) in try store.existingProcess(asking).status }
        #expect(woken == .runnable)
        await after.store.close()
    }
}
