import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import StrictJSON
import Testing

@testable import AgentRuntime

struct EndingTests {
    private func wait(_ fixture: RuntimeFixture, _ parent: ProcessID, _ child: ProcessID) async throws -> ProcessResult? {
        let origin = fixture.origin(parent)
        let completion = try await fixture.write { transaction throws(LibOSError) in
            try fixture.runtime.processes.wait(for: child, by: origin, in: transaction)
        }
        if case .done(let result) = completion { return result }
        return nil
    }

    @Test("exit with a result: memory released, result kept, parent woken and handed what the child had") func exitAndWait() async throws {
        let fixture = try await RuntimeFixture()
        let parent = try await fixture.spawn()
        let child = try await fixture.child(of: parent)
        #expect(try await wait(fixture, parent, child) == nil)
        #expect(try await fixture.process(parent).wait == .child(child))
        let (result, _) = try await fixture.create(.string("answer"), by: child)
        let (scrap, _) = try await fixture.create(.string("scrap"), by: child)
        try await fixture.exit(child, result: result.id)
        let ended = try await fixture.process(child)
        #expect(ended.status == .exited && ended.outcome == .result(result.id) && ended.statusMessage == nil)
        let awake = try await fixture.process(parent)
        #expect(awake.status == .runnable && awake.wait == nil)
        let (kept, gone) = try await fixture.read { store throws(LibOSError) in
            (try store.object(result.id)?.createdBy, try store.object(scrap.id))
        }
        #expect(kept == "process_result:\(child)" && gone == nil)
        let answer = try #require(try await wait(fixture, parent, child))
        #expect(answer.status == .exited && answer.result?.rights == [.read, .materialize, .link, .diff])
        #expect(try await fixture.process(parent).view?.roots.last?.object == result.id)
        let handle = try #require(answer.result)
        let record = try await fixture.read { store throws(LibOSError) in try store.capability(handle.capability) }
        #expect(record?.subject == parent && record?.issuedBy == "process.wait:\(child)")
        let again = try #require(try await wait(fixture, parent, child))
        #expect(again.result == answer.result)
        #expect(try await fixture.audits("process.wait").first?.entry.decision == .object(["child_status": .string("exited")]))
        let wake = try #require(try await fixture.audits("process.wait_wake").first)
        #expect(wake.entry.actor == "process" && wake.entry.target == "process:\(parent)")
        let event = try #require(try await fixture.events(.processExited, for: parent.text).first)
        #expect(event.payload.keys == ["pid", "status", "result_oid"])
        #expect(try await fixture.audits("process.exit").first?.entry.decision.keys.sorted() == ["message", "status"])
    }

    @Test("a second exit is refused") func exitTwice() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        try await fixture.exit(id)
        #expect(await code { try await fixture.exit(id) } == .process)
        #expect(try await fixture.audits("process.exit").count == 1)
    }

    @Test("a result must be one's own: what was only shown is not passed on") func foreignResult() async throws {
        let fixture = try await RuntimeFixture()
        let owner = try await fixture.spawn()
        let parent = try await fixture.spawn()
        let child = try await fixture.child(of: parent)
        let (secret, _) = try await fixture.create(.string("secret"), by: owner)
        _ = try await fixture.grant(try RuntimeFixture.terms("object:\(secret.id)", [.read]), to: child)
        #expect(await code { try await fixture.exit(child, result: secret.id) } == .denied)
        _ = try await fixture.grant(try RuntimeFixture.terms("object:\(secret.id)", [.read, .grant], uses: 1), to: child)
        #expect(await code { try await fixture.exit(child, result: secret.id) } == .denied)
        #expect(try await fixture.process(child).status == .runnable)
    }

    @Test("waiting with no patience changes nothing") func poll() async throws {
        let fixture = try await RuntimeFixture()
        let parent = try await fixture.spawn()
        let child = try await fixture.child(of: parent)
        let before = try await fixture.process(parent)
        let outcome = await fixture.call("process.wait", ["child_pid": .string(child.text), "block": .bool(false)], by: parent)
        #expect(outcome.value?["ready"] == .bool(false))
        #expect(try await fixture.process(parent) == before)
    }

    @Test("only direct children can be waited for, signalled and merged") func strangers() async throws {
        let fixture = try await RuntimeFixture()
        let parent = try await fixture.spawn()
        let stranger = try await fixture.spawn()
        for target in [stranger, ProcessID.new(), parent] {
            #expect(await fixture.call("process.wait", ["child_pid": .string(target.text)], by: parent).error?.code == .process)
            #expect(
                await fixture.call("process.signal", ["child_pid": .string(target.text), "signal": .string("cancel")], by: parent).error?
                    .code == .process)
            #expect(
                await fixture.call("process.merge_child_memory", ["child_pid": .string(target.text)], by: parent).error?.code == .process)
        }
        #expect(try await fixture.process(stranger).status == .runnable)
    }

    @Test("whatever ends a parent ends its descendants, and says so") func cascade() async throws {
        let fixture = try await RuntimeFixture()
        let root = try await fixture.spawn()
        let middle = try await fixture.child(
            of: root,
            ChildRequest(
                goal: .standard,
                inherited: [
                    NeededRight(resource: try Resource.parse("process:spawn"), rights: [.execute])
                ]))
        let leaf = try await fixture.child(of: middle)
        let done = try await fixture.child(of: root)
        try await fixture.exit(done)
        let (object, _) = try await fixture.create(.int(1), by: leaf)
        try await fixture.exit(root)
        for id in [middle, leaf] {
            let process = try await fixture.process(id)
            #expect(process.status == .killed)
            if case .signal(.terminate, let reason) = process.outcome {
                #expect(reason?.contains("parent") == true)
            } else {
                Issue.record("\(String(describing: process.outcome))")
            }
            #expect(try await fixture.events(.processSignal, for: id.text).count == 1)
        }
        #expect(try await fixture.process(done).status == .exited)
        let gone = try await fixture.read { store throws(LibOSError) in try store.object(object.id) }
        #expect(gone == nil)
        #expect(try await fixture.audits("process.signal").count == 2)
    }

    @Test("results that a parent left unread go with it; its own stays") func orphanedResults() async throws {
        let fixture = try await RuntimeFixture()
        let root = try await fixture.spawn()
        let child = try await fixture.child(of: root)
        let (result, _) = try await fixture.create(.int(1), by: child)
        try await fixture.exit(child, result: result.id)
        let (own, _) = try await fixture.create(.int(2), by: root)
        try await fixture.exit(root, result: own.id)
        let (orphan, kept) = try await fixture.read { store throws(LibOSError) in
            (try store.object(result.id), try store.object(own.id)?.createdBy)
        }
        #expect(orphan == nil && kept == "process_result:\(root)")
    }

    @Test("signals follow the guarded table", arguments: ProcessSignal.allCases) func signals(_ signal: ProcessSignal) async throws {
        let fixture = try await RuntimeFixture()
        let running = try await fixture.spawn()
        let paused = try await fixture.spawn()
        try await fixture.runtime.signal(paused, .pause, reason: "wait")
        let ended = try await fixture.spawn()
        try await fixture.exit(ended)
        let before = try await fixture.process(ended)
        #expect(await code { try await fixture.runtime.signal(ended, signal) } == .process)
        #expect(try await fixture.process(ended) == before)
        let (object, _) = try await fixture.create(.int(1), by: running)
        let runningCode = await code { try await fixture.runtime.signal(running, signal, reason: "because") }
        let pausedCode = await code { try await fixture.runtime.signal(paused, signal) }
        let (first, second) = (try await fixture.process(running), try await fixture.process(paused))
        let left = try await fixture.read { store throws(LibOSError) in try store.object(object.id) }
        switch signal {
        case .pause:
            #expect(first.status == .paused && first.pause == .signal("because") && second.status == .paused)
        case .resume:
            #expect(runningCode == .process && first.status == .runnable && pausedCode == nil && second.status == .runnable)
            return
        case .interrupt: #expect(first.status == .runnable && second.status == .paused && left != nil)
        case .cancel, .terminate:
            #expect(first.status == .killed && first.outcome == .signal(signal, reason: "because") && left == nil)
            #expect(second.status == .killed)
        }
        let event = try #require(try await fixture.events(.processSignal, for: running.text).first)
        #expect(event.payload == .object(["payload": .object(["reason": .string("because")]), "signal": .string(signal.rawValue)]))
    }

    @Test("a child's signal and a person's interrupt have their own records") func signalRecords() async throws {
        let fixture = try await RuntimeFixture()
        let parent = try await fixture.spawn()
        let child = try await fixture.child(of: parent)
        let outcome = await fixture.call(
            "process.signal", ["child_pid": .string(child.text), "signal": .string("cancel"), "reason": .string("enough")], by: parent)
        #expect(outcome.value?["status"] == .string("killed"))
        #expect(try await fixture.audits("process.signal_child").first?.entry.actor == parent.text)
        try await fixture.runtime.interrupt(parent, reason: "look")
        #expect(try await fixture.audits("human.interrupt").first?.entry.actor == "human:owner")
        #expect(try await fixture.process(parent).status == .runnable)
    }

    @Test("resuming returns to a wait that is not over, and goes on when it is") func resumeIntoWait() async throws {
        let fixture = try await RuntimeFixture()
        let parent = try await fixture.spawn()
        let child = try await fixture.child(of: parent)
        _ = try await wait(fixture, parent, child)
        try await fixture.runtime.signal(parent, .pause)
        try await fixture.runtime.signal(parent, .resume)
        #expect(try await fixture.process(parent).status == .waitingEvent)
        try await fixture.runtime.signal(parent, .pause)
        try await fixture.exit(child)
        #expect(try await fixture.process(parent).status == .paused)
        try await fixture.runtime.signal(parent, .resume)
        let awake = try await fixture.process(parent)
        #expect(awake.status == .runnable && awake.wait == nil)
    }

    @Test("merging gives what the child could pass on, and refuses the living") func merge() async throws {
        let fixture = try await RuntimeFixture()
        let parent = try await fixture.spawn()
        let child = try await fixture.child(of: parent)
        #expect(await fixture.call("process.merge_child_memory", ["child_pid": .string(child.text)], by: parent).error?.code == .process)
        let (result, _) = try await fixture.create(.string("r"), by: child)
        let other = try await fixture.spawn()
        let (foreign, _) = try await fixture.create(.string("f"), by: other)
        let record = try await fixture.grant(
            try RuntimeFixture.terms("object:\(foreign.id)", [.read], isDelegable: false, uses: 1), to: child)
        try await fixture.write { transaction throws(LibOSError) in
            var process = try transaction.existingProcess(child)
            process.see(ObjectHandle(object: foreign.id, rights: [.read], capability: record.id))
            try transaction.update(process)
        }
        try await fixture.exit(child, result: result.id)
        let outcome = await fixture.call("process.merge_child_memory", ["child_pid": .string(child.text)], by: parent)
        #expect(outcome.value?["merged_oids"] == .array([.string(result.id.text)]))
        #expect(try await fixture.process(parent).view?.roots.contains { $0.object == foreign.id } == false)
        let use = try await fixture.read { store throws(LibOSError) in try store.capability(record.id)?.usesRemaining }
        #expect(use == 1)
        #expect(try await fixture.audits("process.merge_child_memory").count == 1)
        #expect(try await fixture.audits("memory.merge_view").first?.entry.decision["omitted"] == .array([.string(foreign.id.text)]))
    }

    @Test("the end withdraws what is asked and pending, and the dead own nothing new") func afterlife() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        _ = await fixture.call("human.ask", ["question": .string("?")], by: id)
        let request = try #require(try await fixture.pending().first)
        try await fixture.write { transaction throws(LibOSError) in
            try transaction.put(
                PendingAction(
                    process: id, action: .object([]), wait: .human([request.id]), contentPreview: "", toolCallCount: 1, generation: 1,
                    createdAt: transaction.now))
        }
        try await fixture.runtime.signal(id, .cancel)
        let (status, action, handle) = try await fixture.write { transaction throws(LibOSError) in
            (
                try transaction.humanRequest(request.id)?.status, try transaction.pendingAction(of: id),
                try fixture.runtime.keepResult(.int(1), title: "t", tool: .new(), of: id, in: transaction)
            )
        }
        #expect(status == .cancelled && action == nil && handle == nil)
        #expect(await fixture.call("process.cwd", by: id).error?.code == .process)
        #expect(await code { try await fixture.create(.int(1), by: id) } == .process)
        #expect(
            await code {
                try await fixture.runtime.decide(request.id, HumanDecision(responder: "human:owner", isApproved: true, answer: "x"))
            }
                == .validation)
    }
}
