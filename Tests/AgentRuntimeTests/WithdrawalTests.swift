import CapabilityLanguage
import LibOSModel
import SQLiteRuntimeStore
import StrictJSON
import TestSupport
import Testing

@testable import AgentRuntime

/// What nobody waits for any more is neither answered nor allowed.
struct WithdrawalTests {
    private let yes = HumanDecision(responder: "human:owner", isApproved: true)

    private func ask(_ fixture: RuntimeFixture, _ hash: String, for id: ProcessID) async throws -> HumanRequestID {
        let approval = ApprovalRequest(
            tool: "write", arguments: .object(["path": .string(hash)]), actionHash: hash, policyHash: "",
            needs: [NeededRight(resource: try Resource.parse("filesystem:workspace:\(hash)"), rights: [.write])])
        return try await fixture.write { transaction throws(LibOSError) in try fixture.runtime.ask(approval, for: id, in: transaction) }
    }

    private func request(_ fixture: RuntimeFixture, _ id: HumanRequestID) async throws -> HumanRequest? {
        try await fixture.read { store throws(LibOSError) in try store.humanRequest(id) }
    }

    private func bound(_ fixture: RuntimeFixture, _ id: ProcessID) async throws -> [CapabilityRecord.Status] {
        try await fixture.read { store throws(LibOSError) in try store.capabilities(of: id) }
            .filter { $0.constraints.actionHash != nil }.map(\.status)
    }

    @Test("the end of a process withdraws what it asked and what it was allowed once", arguments: [ProcessSignal.terminate, .cancel])
    func ended(_ signal: ProcessSignal) async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        let allowed = try await ask(fixture, "aa", for: id)
        _ = try await fixture.runtime.decide(allowed, yes)
        let open = try await ask(fixture, "bb", for: id)
        #expect(try await bound(fixture, id) == [.active])
        try await fixture.runtime.signal(id, signal)
        #expect(try await bound(fixture, id) == [.revoked])
        for asked in [allowed, open] {
            #expect(try await request(fixture, asked)?.status == .cancelled)
            let refusal = await #expect(throws: LibOSError.self) { _ = try await fixture.runtime.decide(asked, yes) }
            #expect(refusal?.code == .validation && refusal?.message.contains("was withdrawn") == true, "\(String(describing: refusal))")
        }
        #expect(try await request(fixture, open)?.decision?.reason == "its process has ended")
        #expect(try await request(fixture, allowed)?.decision?.isApproved == true, "what was decided stays on record")
        #expect(try await fixture.audits("human.response").map { $0.entry.decision["status"] }.last == .string("cancelled"))
    }

    @Test("an action that is given up takes the approvals of all its steps along, and no other's") func givenUp() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        let (first, second, other) = (
            try await ask(fixture, "aa", for: id), try await ask(fixture, "bb", for: id), try await ask(fixture, "cc", for: id)
        )
        for asked in [first, second] { _ = try await fixture.runtime.decide(asked, yes) }
        try await fixture.write { transaction throws(LibOSError) in
            try fixture.runtime.withdraw([first], because: "test", in: transaction)
        }
        #expect(try await request(fixture, first)?.status == .cancelled)
        #expect(try await request(fixture, second)?.status == .approved)
        #expect(try await request(fixture, other)?.status == .pending)
        #expect(try await fixture.process(id).status == .waitingHuman)
        try await fixture.write { transaction throws(LibOSError) in
            try fixture.runtime.withdraw([other], because: "test", in: transaction)
        }
        #expect(try await fixture.process(id).status == .runnable, "nobody waits for a withdrawn question")
    }

    @Test("an approval whose use is taken is left to its action") func taken() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        let asked = try await ask(fixture, "aa", for: id)
        _ = try await fixture.runtime.decide(asked, yes)
        let resource = try Resource.parse("filesystem:workspace:aa")
        try await fixture.write { transaction throws(LibOSError) in
            _ = try fixture.runtime.authority.require(
                [.write], on: resource, for: ActionOrigin(process: id, tool: "write", actionHash: "aa"), in: transaction)
            try fixture.runtime.withdraw([asked], because: "test", in: transaction)
        }
        #expect(try await request(fixture, asked)?.status == .used)
        #expect(try await bound(fixture, id) == [.consumed])
    }

    @Test("after a crash nobody is asked for a tool that is gone; an action that is kept keeps its answer") func cutOff() async throws {
        let scratch = try ScratchDirectory("withdrawal")
        defer { scratch.remove() }
        let path = scratch.path + "/store.sqlite"
        let before = AgentRuntime(store: try await SQLiteRuntimeStore.open(path: path), tools: NamedTools())
        try await before.start()
        let terms = try RuntimeFixture.standardTerms()
        let ids = [
            try await before.spawn(SpawnRequest(goal: .text("a"), capabilities: terms)).id,
            try await before.spawn(SpawnRequest(goal: .text("b"), capabilities: terms)).id,
        ]
        for id in ids {
            _ = await before.perform(
                Syscall(name: "human.ask", arguments: .object(["question": .string("?")])), for: SyscallCaller(process: id, tool: "t"))
        }
        try await before.store.write { transaction throws(LibOSError) in
            // The first one asked from inside of a running tool, the second one left its action behind and waits.
            try transaction.insert(
                ToolCallRecord(
                    process: ids[0], tool: .new(), toolName: "t", arguments: .object([]), actionHash: "", createdAt: transaction.now))
            guard let wait = try transaction.process(ids[1])?.wait else { throw .notFound("wait") }
            try transaction.put(
                PendingAction(
                    process: ids[1], action: .object([]), wait: wait, contentPreview: "", toolCallCount: 1, generation: 0,
                    createdAt: transaction.now))
        }
        await before.store.close()
        let after = AgentRuntime(store: try await SQLiteRuntimeStore.open(path: path), tools: NamedTools())
        try await after.start()
        let found = try await after.store.read { store throws(LibOSError) in
            try ids.map { id throws(LibOSError) in try store.existingProcess(id) }
        }
        #expect(found.map(\.status) == [.paused, .waitingHuman] && found[0].pause == .interrupted && found[0].wait == nil)
        let pending = try await after.pendingRequests()
        #expect(pending.map(\.process) == [ids[1]])
        await after.store.close()
    }
}
