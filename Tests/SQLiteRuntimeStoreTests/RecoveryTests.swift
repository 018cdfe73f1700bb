import LibOSModel
import StrictJSON
import Testing

@testable import SQLiteRuntimeStore

struct RecoveryTests {
    private func reopened(_ fixture: StoreFixture, _ body: @escaping @Sendable (any StoreTransaction) throws(LibOSError) -> Void)
        async throws
        -> SQLiteRuntimeStore
    {
        let store = try await fixture.open()
        try await store.write(.process, body)
        await store.close()
        return try await fixture.open()
    }

    @Test("a store where nothing was under way is not touched") func clean() async throws {
        let fixture = try StoreFixture()
        var done = Sample.toolCall()
        done.state = .completed
        let (call, model, process) = (done, Sample.modelCall(), Sample.bareProcess())
        let store = try await reopened(fixture) { (tx) throws(LibOSError) in
            try tx.insert(call)
            try tx.insert(model)
            try tx.insert(process)
        }
        try await store.read { (tx) throws(LibOSError) in
            #expect(try tx.toolCall(call.id) == call)
            #expect(try tx.modelCall(model.id) == model)
            #expect(try tx.process(process.id) == process)
            #expect(try tx.lastAudit() == nil)
        }
    }

    @Test("intents without an outcome become unknown, oldest first, with event and audit") func intents() async throws {
        let fixture = try StoreFixture()
        let calls = [Sample.bareToolCall(), Sample.bareToolCall()]
        let model = Sample.bareModelCall()
        let store = try await reopened(fixture) { (tx) throws(LibOSError) in
            for call in calls { try tx.insert(call) }
            try tx.insert(model)
        }
        try await store.read { (tx) throws(LibOSError) in
            for call in calls {
                let found = try tx.toolCall(call.id)
                #expect(found?.state == .unknown && found?.endedAt != nil && found?.error != nil)
                let event = try tx.recentEvents(for: call.process.text, limit: 1).first
                #expect(event?.type == .toolFailed && event?.payload["state"] == .string("unknown"))
            }
            let found = try tx.modelCall(model.id)
            #expect(found?.status == .unknown && found?.completedAt != nil && found?.error != nil)
            let audit = try tx.audit(AuditQuery())
            #expect(audit.map(\.entry.action) == ["tool.call", "tool.call", "llm.action_failed"])
            #expect(audit.map(\.entry.correlation) == [calls[0].id.text, calls[1].id.text, model.id.text])
            #expect(audit.allSatisfy { $0.entry.actor == "runtime" })
        }
        #expect(try await store.verifyAudit().isWhole)
    }

    @Test("calls of a session that lives are under way, whoever opens the store meanwhile") func live() async throws {
        let fixture = try StoreFixture()
        let calls = [Sample.bareToolCall(), Sample.bareToolCall()]
        let session = try await { () async throws in
            let store = try await fixture.open()
            try await store.write(.process) { tx throws(LibOSError) in for call in calls { try tx.insert(call) } }
            await store.close()
            return try LiveSession(of: calls[0].process, store: fixture.path)
        }()
        func states() async throws -> [ToolCallRecord.State?] {
            let store = try await fixture.open()
            let found = try await store.read { tx throws(LibOSError) in
                [try tx.toolCall(calls[0].id)?.state, try tx.toolCall(calls[1].id)?.state]
            }
            await store.close()
            return found
        }
        #expect(calls[0].process != calls[1].process)
        #expect(try await states() == [.intended, .unknown])
        #expect(throws: LibOSError.self, "one program is behind a process") { try LiveSession(of: calls[0].process, store: fixture.path) }
        session.end()
        #expect(try await states() == [.unknown, .unknown])
    }

    @Test("running processes are paused, with a reason for programs and one for people") func running() async throws {
        let fixture = try StoreFixture()
        var process = Sample.bareProcess()
        (process.status, process.generation) = (.running, 4)
        let before = process
        let store = try await reopened(fixture) { (tx) throws(LibOSError) in try tx.insert(before) }
        try await store.read { (tx) throws(LibOSError) in
            let found = try tx.process(before.id)
            #expect(found?.status == .paused && found?.pause == .interrupted && found?.generation == 5)
            #expect(found?.statusMessage?.hasPrefix("interrupted: ") == true)
            let event = try tx.recentEvents(for: before.id.text, limit: 1).first
            #expect(event?.type == .processSignal && event?.payload["signal"] == .string("pause"))
            #expect(try tx.lastAudit()?.entry.action == "process.signal")
        }
        await store.close()
        let again = try await fixture.open()
        #expect(try await again.read { (tx) throws(LibOSError) in try tx.process(before.id)?.generation } == 5)
    }

    @Test(
        "a process that waited inside of a call is paused: going on would do the call again",
        arguments: [ProcessStatus.waitingHuman, .waitingEvent, .runnable, .paused, .killed])
    func waitingInside(_ status: ProcessStatus) async throws {
        let fixture = try StoreFixture()
        var made = Sample.bareProcess()
        made.status = status
        made.wait = status == .waitingEvent ? .child(.new()) : status == .runnable || status == .killed ? nil : .human([.new()])
        if status == .paused { made.pause = .signal("held") }
        if status == .killed { made.outcome = .message("gone") }
        var call = Sample.bareToolCall()
        call.process = made.id
        let (before, open) = (made, call)
        let store = try await reopened(fixture) { (tx) throws(LibOSError) in
            try tx.insert(before)
            try tx.insert(open)
        }
        let found = try await store.read { (tx) throws(LibOSError) in try tx.process(before.id) }
        switch status {
        case .killed: #expect(found == before)
        case .paused: #expect(found?.status == .paused && found?.pause == .signal("held") && found?.wait == nil)
        default: #expect(found?.status == .paused && found?.pause == .interrupted && found?.wait == nil)
        }
    }

    @Test("an action that was being resumed is closed, its process fails, and who waits for that one goes on") func resuming() async throws
    {
        let fixture = try StoreFixture()
        var parent = Sample.bareProcess()
        var child = Sample.bareProcess()
        (child.status, child.parent) = (.running, parent.id)
        (parent.status, parent.wait, parent.generation) = (.waitingEvent, .child(child.id), 7)
        let (before, waiting) = (child, parent)
        var ended = Sample.bareProcess()
        (ended.status, ended.outcome) = (.exited, .message("done"))
        let over = ended
        let store = try await reopened(fixture) { (tx) throws(LibOSError) in
            try tx.insert(waiting)
            try tx.insert(before)
            try tx.insert(over)
            try tx.put(Sample.pendingAction(before.id))
            try tx.put(Sample.pendingAction(over.id))
            var kept = Sample.pendingAction(waiting.id)
            kept.state = .pending
            try tx.put(kept)
        }
        try await store.read { (tx) throws(LibOSError) in
            #expect(try tx.pendingActions().map(\.process) == [waiting.id])
            let found = try tx.process(before.id)
            #expect(found?.status == .failed && found?.wait == nil)
            guard case .failure(let reason) = found?.outcome else {
                Issue.record("the outcome is \(String(describing: found?.outcome))")
                return
            }
            #expect(reason.contains("unknown"))
            #expect(try tx.process(over.id) == over)
            let woken = try tx.process(waiting.id)
            #expect(woken?.status == .runnable && woken?.wait == nil && woken?.generation == 8)
            let actions = try tx.audit(AuditQuery()).map(\.entry.action)
            #expect(
                actions == [
                    "llm.pending_action_resume_interrupted", "process.exit", "process.wait_wake", "llm.pending_action_resume_interrupted",
                ])
            let event = try tx.recentEvents(for: waiting.id.text, limit: 1).first
            #expect(event?.type == .processExited && event?.source == before.id.text)
        }
    }

    @Test("a store that is read is not recovered") func reading() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        let call = Sample.bareToolCall()
        try await store.write { (tx) throws(LibOSError) in try tx.insert(call) }
        let reader = try await SQLiteRuntimeStore.openReadOnly(path: fixture.path)
        #expect(try await reader.read { (tx) throws(LibOSError) in try tx.toolCall(call.id) } == call)
        let refused = await thrown { try await reader.write { (tx) throws(LibOSError) in try tx.insert(call) } }
        #expect(refused?.message.hasSuffix("is open for reading only") == true)
        #expect(try await reader.verifyAudit().isWhole)
    }

    @Test("a tail that was cut off stops the next writer, not the reader") func cutTail() async throws {
        let fixture = try StoreFixture()
        let store = try await fixture.open()
        try await store.write { (tx) throws(LibOSError) in for _ in 0..<3 { try tx.append(AuditEntry(actor: "a", action: "b")) } }
        try await store.dropTriggers()
        try await store.tamper("DELETE FROM audit WHERE sequence = 3")
        await store.close()
        let error = await thrown { try await fixture.open() }
        #expect(error?.code == .store && error?.message.contains("ends at record 2, and record 3 should be its last") == true)
        let reader = try await SQLiteRuntimeStore.openReadOnly(path: fixture.path)
        #expect(try await reader.verifyAudit().fault?.kind == .missingTail)
    }
}
