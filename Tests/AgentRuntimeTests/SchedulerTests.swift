import CapabilityBroker
import LibOSModel
import StrictJSON
import Synchronization
import Testing

@testable import AgentRuntime

/// Does what a test says for each quantum, and keeps account.
final class PlannedRunner: QuantumRunner {
    typealias Plan = @Sendable (ProcessID, Int) async throws -> QuantumResult?

    private struct State {
        var turns: [ProcessID] = []
        var active: Set<ProcessID> = []
        var overlaps = 0
        var most = 0
    }

    private let state = Mutex(State())
    private let plan: Plan

    init(_ plan: @escaping Plan) { self.plan = plan }

    func runQuantum(_ process: ProcessID) async throws -> QuantumResult {
        let turn = state.withLock { state in
            if !state.active.insert(process).inserted { state.overlaps += 1 }
            state.most = max(state.most, state.active.count)
            state.turns.append(process)
            return state.turns.count { $0 == process }
        }
        defer { state.withLock { _ = $0.active.remove(process) } }
        return try await plan(process, turn) ?? QuantumResult(process: process, payload: .object(["ok": .bool(true)]))
    }

    var turns: [ProcessID] { state.withLock { $0.turns } }
    var overlaps: Int { state.withLock { $0.overlaps } }
    var most: Int { state.withLock { $0.most } }
}

/// A door that tests open.
final class Gate: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }
    func open() { continuation.finish() }
    func wait() async { for await _ in stream {} }
}

struct SchedulerTests {
    private func scheduler(_ fixture: RuntimeFixture, _ plan: @escaping PlannedRunner.Plan) -> (Scheduler, PlannedRunner) {
        let runner = PlannedRunner(plan)
        let limits = SchedulerLimits(drain: .seconds(60), grace: .seconds(60))
        return (Scheduler(runtime: fixture.runtime, runner: runner, limits: limits), runner)
    }

    private func spawn(_ fixture: RuntimeFixture, _ count: Int) async throws -> [ProcessID] {
        var ids: [ProcessID] = []
        for _ in 0..<count {
            ids.append(try await fixture.spawn())
            fixture.clock.advance(seconds: 1)
        }
        return ids
    }

    @Test("one quantum of the oldest, with its audit record; a runnable one stays runnable") func runOnce() async throws {
        let fixture = try await RuntimeFixture()
        let ids = try await spawn(fixture, 2)
        let statuses = Mutex<[ProcessStatus]>([])
        let (scheduler, runner) = scheduler(fixture) { id, _ in
            let status = try await fixture.process(id).status
            statuses.withLock { $0.append(status) }
            return nil
        }
        #expect(try await scheduler.runOnce()?.process == ids[0])
        #expect(runner.turns == [ids[0]] && statuses.withLock { $0 } == [.running])
        #expect(try await fixture.process(ids[0]).status == .runnable)
        let audit = try #require(try await fixture.audits("scheduler.run_quantum").first)
        #expect(audit.entry.actor == "scheduler" && audit.entry.target == "process:\(ids[0])")
        for id in ids { try await fixture.exit(id) }
        #expect(try await scheduler.runOnce() == nil)
    }

    @Test("quanta are shared out, oldest first, each process once before any twice") func fairness() async throws {
        let fixture = try await RuntimeFixture()
        let ids = try await spawn(fixture, 3)
        let (scheduler, runner) = scheduler(fixture) { _, _ in nil }
        let report = try await scheduler.runUntilIdle(maxQuanta: 2)
        #expect(report.stop == .quanta && report.charged == 2 && Set(runner.turns) == Set(ids.prefix(2)))
        #expect(runner.overlaps == 0)
    }

    @Test("runs until everything has ended") func untilIdle() async throws {
        let fixture = try await RuntimeFixture()
        let ids = try await spawn(fixture, 4)
        let (scheduler, runner) = scheduler(fixture) { id, turn in
            if turn == 3 { try await fixture.exit(id) }
            return nil
        }
        let report = try await scheduler.runUntilIdle(maxQuanta: nil)
        #expect(report.stop == .idle && report.charged == 12 && report.unfinished.isEmpty && runner.overlaps == 0)
        for id in ids { #expect(try await fixture.process(id).status == .exited) }
    }

    @Test("what a primitive set during the quantum stays") func statusStays() async throws {
        let fixture = try await RuntimeFixture()
        let ids = try await spawn(fixture, 2)
        let (scheduler, _) = scheduler(fixture) { id, _ in
            if id == ids[0] {
                _ = await fixture.call("human.ask", ["question": .string("?")], by: id)
            } else {
                try await fixture.runtime.signal(id, .pause)
            }
            return nil
        }
        let report = try await scheduler.runUntilIdle()
        #expect(report.stop == .idle && report.charged == 2)
        #expect(try await fixture.process(ids[0]).status == .waitingHuman)
        #expect(try await fixture.process(ids[1]).status == .paused)
    }

    @Test("a blocked quantum stalls nobody") func blocked() async throws {
        let fixture = try await RuntimeFixture()
        let ids = try await spawn(fixture, 2)
        let gate = Gate()
        let (scheduler, _) = scheduler(fixture) { id, turn in
            if id == ids[0] {
                // Only the other one's third quantum opens the door.
                await gate.wait()
                try await fixture.exit(id)
            } else if turn == 3 {
                gate.open()
                try await fixture.exit(id)
            }
            return nil
        }
        let report = try await scheduler.runUntilIdle()
        #expect(report.stop == .idle && report.charged == 4)
    }

    @Test("what throws fails its own process and no other") func failure() async throws {
        let fixture = try await RuntimeFixture()
        let ids = try await spawn(fixture, 2)
        let (scheduler, _) = scheduler(fixture) { id, turn in
            if id == ids[0] { throw LibOSError(.validation, "the view is broken") }
            if turn == 2 { try await fixture.exit(id) }
            return nil
        }
        let report = try await scheduler.runUntilIdle()
        #expect(report.stop == .idle && report.charged == 3)
        let failed = try await fixture.process(ids[0])
        #expect(failed.status == .failed && failed.outcome == .failure("the quantum failed: the view is broken"))
        #expect(try await fixture.process(ids[1]).status == .exited)
        let audit = try #require(try await fixture.audits("scheduler.process_task_failed").first)
        #expect(audit.entry.decision == .object(["error": .string("the view is broken"), "error_type": .string("LibOSError")]))
        let result = try #require(report.results.first { $0.process == ids[0] })
        #expect(result.payload.keys == ["ok", "pid", "error"] && result.payload["ok"] == .bool(false))
    }

    @Test("turns that come to nothing cost nothing and are not repeated") func skipped() async throws {
        let fixture = try await RuntimeFixture()
        let ids = try await spawn(fixture, 2)
        let (scheduler, runner) = scheduler(fixture) { id, turn in
            if id == ids[0] { return QuantumResult(process: id, isCharged: false, payload: .object(["skipped": .bool(true)])) }
            if turn == 2 { try await fixture.exit(id) }
            return nil
        }
        let report = try await scheduler.runUntilIdle(maxQuanta: 3)
        #expect(report.stop == .idle && report.charged == 2)
        #expect(runner.turns.filter { $0 == ids[0] }.count == 1)
    }

    @Test("a message wakes its process inside the run") func wake() async throws {
        let fixture = try await RuntimeFixture()
        let parent = try await fixture.spawn()
        let child = try await fixture.child(of: parent)
        let (scheduler, runner) = scheduler(fixture) { id, turn in
            if id == child {
                let outcome = await fixture.call("process.receive_messages", by: id)
                if outcome.wait == nil { try await fixture.exit(id) }
            } else if turn == 2 {
                _ = await fixture.call("process.send_message", ["recipient_pid": .string(child.text), "body": .string("go")], by: id)
            } else if turn == 3 {
                let outcome = await fixture.call("process.wait", ["child_pid": .string(child.text)], by: id)
                if outcome.wait == nil { try await fixture.exit(id) }
            } else if turn > 3 {
                try await fixture.exit(id)
            }
            return nil
        }
        let report = try await scheduler.runUntilIdle()
        #expect(report.stop == .idle && runner.overlaps == 0)
        #expect(try await fixture.process(parent).status == .exited)
        #expect(try await fixture.process(child).status == .exited)
    }

    @Test("pending requests go before the responder when everything waits") func humanQueue() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        let (scheduler, _) = scheduler(fixture) { id, turn in
            if turn < 3 {
                _ = await fixture.call("human.ask", ["question": .string("\(turn)?")], by: id)
            } else {
                try await fixture.exit(id)
            }
            return nil
        }
        let waiting = try await scheduler.runUntilIdle()
        #expect(waiting.stop == .idle && waiting.charged == 1)
        let report = try await scheduler.runUntilIdle(humans: AutomaticResponder(answer: "x"))
        #expect(report.stop == .idle && report.charged == 2)
        #expect(try await fixture.process(id).status == .exited)
        #expect(try await fixture.audits("runtime.human_queue_drained").count == 2)
    }

    @Test("a tool that stays alive through its wait goes on in its own quantum") func parked() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        let statuses = Mutex<[ProcessStatus]>([])
        let (scheduler, runner) = scheduler(fixture) { id, _ in
            guard let wait = await fixture.call("human.ask", ["question": .string("?")], by: id).wait else { return nil }
            try await fixture.runtime.settled(wait, of: id)
            let status = try await fixture.process(id).status
            statuses.withLock { $0.append(status) }
            try await fixture.exit(id)
            return nil
        }
        let report = try await scheduler.runUntilIdle(humans: AutomaticResponder(answer: "x"))
        #expect(report.stop == .idle && report.charged == 1 && runner.turns == [id])
        #expect(statuses.withLock { $0 } == [.running])
    }

    @Test("a tool that waits for an answer which nobody gives is cancelled at the end, and that is recorded") func abandoned() async throws
    {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        let (scheduler, _) = scheduler(fixture) { id, _ in
            guard let wait = await fixture.call("human.ask", ["question": .string("?")], by: id).wait else { return nil }
            try? await fixture.runtime.settled(wait, of: id)
            try Task.checkCancellation()
            return nil
        }
        let report = try await scheduler.runUntilIdle()
        #expect(report.stop == .idle && report.unfinished.isEmpty)
        #expect(try await fixture.audits("scheduler.process_task_cancelled").map(\.entry.target) == ["process:\(id)"])
        #expect(try await fixture.process(id).status == .waitingHuman)
    }

    /// A parent whose tool waits, alive, for a child that needs three turns.
    private func waitingParent(_ fixture: RuntimeFixture, unblocking: Int) async throws -> (Scheduler, parent: ProcessID, child: ProcessID)
    {
        let parent = try await fixture.spawn()
        fixture.clock.advance(seconds: 1)
        let child = try await fixture.child(of: parent)
        let runner = PlannedRunner { id, turn in
            if id == child {
                if turn == 3 { try await fixture.exit(id) }
                return nil
            }
            guard let wait = await fixture.call("process.wait", ["child_pid": .string(child.text)], by: id).wait else { return nil }
            do {
                try await fixture.runtime.settled(wait, of: id)
            } catch {
                // A quantum that is cancelled fails nobody.
                try Task.checkCancellation()
                throw error
            }
            try await fixture.exit(id)
            return nil
        }
        let limits = SchedulerLimits(drain: .seconds(60), grace: .seconds(60), unblocking: unblocking)
        return (Scheduler(runtime: fixture.runtime, runner: runner, limits: limits), parent, child)
    }

    @Test("a tool under way is not lost because the quanta are used before what it waits for could end") func unblocking() async throws {
        let fixture = try await RuntimeFixture()
        let (scheduler, parent, child) = try await waitingParent(fixture, unblocking: 16)
        let report = try await scheduler.runUntilIdle(maxQuanta: 1)
        #expect(report.stop == .quanta && report.charged == 1 && report.unblocking == 3 && report.unfinished.isEmpty)
        for id in [parent, child] { #expect(try await fixture.process(id).status == .exited) }
        let reserved = try await fixture.audits("scheduler.unblock_quantum_reserved").map(\.entry)
        #expect(reserved.map(\.target) == Array(repeating: "process:\(child)", count: 3))
        #expect(reserved.first?.decision == .object(["waiter_pid": .string(parent.text)]))
        #expect(try await fixture.audits("scheduler.process_task_cancelled").isEmpty)
    }

    @Test("the extra quanta are bounded, and go to nobody else") func unblockingBound() async throws {
        let fixture = try await RuntimeFixture()
        let (scheduler, parent, child) = try await waitingParent(fixture, unblocking: 2)
        let other = try await fixture.spawn()
        let report = try await scheduler.runUntilIdle(maxQuanta: 1)
        #expect(report.stop == .quanta && report.charged == 1 && report.unblocking == 2 && report.unfinished.isEmpty)
        for id in [child, other] { #expect(try await fixture.process(id).status == .runnable) }
        #expect(report.results.allSatisfy { $0.process != other })
        #expect(try await fixture.audits("scheduler.process_task_cancelled").map(\.entry.target) == ["process:\(parent)"])
    }

    @Test(
        "a signal that stops a process cancels what its quantum does; one that only tells does not",
        arguments: [ProcessSignal.pause, .terminate, .cancel, .interrupt], [false, true])
    func stopped(_ signal: ProcessSignal, byParent: Bool) async throws {
        let fixture = try await RuntimeFixture()
        let parent = try await fixture.spawn()
        let id = try await fixture.child(of: parent)
        let (started, told) = (Gate(), Gate())
        let cancelled = Mutex<Bool?>(nil)
        let (scheduler, _) = scheduler(fixture) { _, turn in
            if turn > 1 {
                return try await {
                    try await fixture.exit(id); return nil
                }()
            }
            started.open()
            if signal == .interrupt {
                await told.wait()
            } else {
                try? await Task.sleep(for: .seconds(3_600))
            }
            let isCancelled = Task.isCancelled
            cancelled.withLock { $0 = isCancelled }
            return nil
        }
        let run = Task { try await scheduler.runUntilIdle(only: [id]) }
        await started.wait()
        if byParent {
            let arguments: KeyValuePairs<String, JSONValue> = ["child_pid": .string(id.text), "signal": .string(signal.rawValue)]
            #expect(await fixture.call("process.signal", arguments, by: parent).value != nil)
        } else {
            try await fixture.runtime.signal(id, signal)
        }
        told.open()
        #expect(try await run.value.unfinished.isEmpty)
        #expect(cancelled.withLock { $0 } == (signal != .interrupt))
        let status = try await fixture.process(id).status
        #expect(status == (signal == .pause ? .paused : signal == .interrupt ? .exited : .killed))
        guard signal == .pause else { return }
        try await fixture.runtime.signal(id, .resume)
        #expect(try await scheduler.runUntilIdle(only: [id]).charged == 1)
        #expect(try await fixture.process(id).status == .exited, "what was cancelled is not done again; the process goes on")
    }

    @Test("cancelling the run ends its quanta; their processes can run again") func cancelled() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        let started = Gate()
        let (scheduler, _) = scheduler(fixture) { _, _ in
            started.open()
            try await Task.sleep(for: .seconds(3_600))
            return nil
        }
        let run = Task { try await scheduler.runUntilIdle() }
        await started.wait()
        run.cancel()
        let report = try await run.value
        #expect(report.stop == .cancelled && report.unfinished.isEmpty)
        #expect(try await fixture.process(id).status == .runnable)
        #expect(!fixture.runtime.quanta.isActive(id))
    }

    @Test("two schedulers never run one process twice at once", arguments: 0..<5) func twoSchedulers(_ round: Int) async throws {
        let fixture = try await RuntimeFixture()
        let ids = try await spawn(fixture, 3)
        let runner = PlannedRunner { id, turn in
            await Task.yield()
            if turn == 10 { try await fixture.exit(id) }
            return nil
        }
        let scheduler = Scheduler(runtime: fixture.runtime, runner: runner)
        async let first = scheduler.runUntilIdle(maxQuanta: nil)
        async let second = scheduler.runUntilIdle(maxQuanta: nil)
        let charged = try await first.charged + second.charged
        #expect(runner.overlaps == 0)
        #expect(charged <= 30 && runner.turns.count == charged)
        // A run that finds everything taken is idle; whoever took it went on.
        _ = try await scheduler.runUntilIdle(maxQuanta: nil)
        #expect(runner.turns.count == 30)
        for id in ids { #expect(try await fixture.process(id).status == .exited) }
    }

    @Test("only some processes, when asked") func scope() async throws {
        let fixture = try await RuntimeFixture()
        let ids = try await spawn(fixture, 2)
        let (scheduler, runner) = scheduler(fixture) { id, _ in
            try await fixture.exit(id)
            return nil
        }
        let report = try await scheduler.runUntilIdle(only: [ids[1]])
        #expect(report.stop == .idle && runner.turns == [ids[1]])
    }

    @Test("time that is used up ends the process") func runtimeBudget() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn(budget: ResourceBudget([.runtimeSeconds: 2]))
        for (seconds, status) in [(2, ProcessStatus.runnable), (1, .killed), (1, .killed)] as [(Int64, ProcessStatus)] {
            try await fixture.write { transaction throws(LibOSError) in
                try fixture.runtime.processes.chargeRuntime(seconds, to: id, in: transaction)
            }
            #expect(try await fixture.process(id).status == status)
        }
        #expect(try await fixture.process(id).outcome == .budget(.runtimeSeconds))
        #expect(try await fixture.events(.resourceLimitExceeded, for: id.text).first?.priority == .critical)
        #expect(fixture.runtime.quanta.wholeSeconds(adding: .milliseconds(700), to: id) == 0)
        #expect(fixture.runtime.quanta.wholeSeconds(adding: .milliseconds(700), to: id) == 1)
    }

    @Test("ending a process cancels the quantum that it has under way", arguments: [true, false]) func killed(_ byParent: Bool) async throws
    {
        let fixture = try await RuntimeFixture()
        let parent = try await fixture.spawn()
        let child = try await fixture.child(of: parent)
        let started = Gate()
        let (scheduler, _) = scheduler(fixture) { id, _ in
            if id == child {
                started.open()
                try await Task.sleep(for: .seconds(3_600))
            } else {
                await started.wait()
                if byParent {
                    _ = await fixture.call("process.signal", ["child_pid": .string(child.text), "signal": .string("cancel")], by: id)
                } else {
                    try await fixture.runtime.signal(child, .terminate)
                }
                try await fixture.exit(id)
            }
            return nil
        }
        let report = try await scheduler.runUntilIdle()
        #expect(report.stop == .idle && report.unfinished.isEmpty)
        #expect(try await fixture.process(child).status == .killed)
        #expect(try await fixture.process(parent).status == .exited)
        #expect(try await fixture.audits("scheduler.process_task_failed").isEmpty)
    }
}
