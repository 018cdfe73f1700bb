package import LibOSModel
internal import StrictJSON

/// Gives runnable processes their quanta: many processes at once, one quantum at a time each, the oldest first among those with
/// as many turns. It never polls: commits and finished quanta wake it.
package struct Scheduler: Sendable {
    package let runtime: AgentRuntime
    let runner: any QuantumRunner
    let limits: SchedulerLimits

    package init(runtime: AgentRuntime, runner: any QuantumRunner, limits: SchedulerLimits = SchedulerLimits()) {
        self.runtime = runtime
        self.runner = runner
        self.limits = limits
    }
}

package struct SchedulerLimits: Sendable {
    /// How long quanta that are under way may go on when a run ends.
    package var drain: Duration
    /// How long cancelled ones may take to notice. After that a run returns without them.
    package var grace: Duration
    /// Quanta beyond those of the run that may go to processes which a tool under way waits for: without them its work would be lost.
    package var unblocking: Int

    package init(drain: Duration = .seconds(30), grace: Duration = .seconds(10), unblocking: Int = 16) {
        self.drain = drain
        self.grace = grace
        self.unblocking = unblocking
    }
}

/// What one run of the scheduler did.
package struct SchedulerReport: Sendable {
    /// In the order in which the quanta ended.
    package var results: [QuantumResult]
    /// Quanta that were charged.
    package var charged: Int
    /// Quanta that were given beyond the run's own, so that a tool under way could end.
    package var unblocking: Int
    package var stop: Stop
    /// Processes whose quantum did not end, not even when it was cancelled.
    package var unfinished: [ProcessID]

    package enum Stop: String, Sendable, CaseIterable, Hashable {
        /// Nothing can run: everything has ended, is paused, or waits.
        case idle
        /// All quanta that were allowed are used.
        case quanta
        case cancelled
    }
}

extension Scheduler {
    package static let standardQuanta = 25

    /// One quantum of the oldest runnable process; nil when there is none.
    package func runOnce() async throws(LibOSError) -> QuantumResult? {
        for process in try await runtime.store.read({ store throws(LibOSError) in try store.processes(status: .runnable) }) {
            guard try await claim(process.id) else { continue }
            return try await quantum(of: process.id)
        }
        return nil
    }

    /// Runs until nothing can run, the quanta are used, or the task is cancelled. When everything waits, pending human requests
    /// are put before the responder, in the order in which they were asked, and the run goes on if any was decided.
    ///
    /// - Parameters:
    ///   - maxQuanta: Quanta in all; nil for any number. Turns in which nothing was done do not count.
    ///   - only: The processes to run; nil for all.
    package func runUntilIdle(
        maxQuanta: Int? = standardQuanta, only: Set<ProcessID>? = nil, humans: (any HumanResponder)? = nil
    ) async throws(LibOSError) -> SchedulerReport {
        let batch = SchedulerBatch(quanta: maxQuanta)
        var stop = SchedulerReport.Stop.idle
        do throws(LibOSError) {
            stop = try await run(batch, only: only, humans: humans)
        } catch {
            await drain(batch)
            throw error
        }
        await drain(batch)
        if let error = batch.failure { throw error }
        return batch.report(stop)
    }

    private func run(
        _ batch: SchedulerBatch, only: Set<ProcessID>?, humans: (any HumanResponder)?
    ) async throws(LibOSError) -> SchedulerReport.Stop {
        let commits = runtime.store.commits.listen()
        batch.onFinish(runtime.store.commits)
        var wakeups = commits.makeAsyncIterator()
        while true {
            if Task.isCancelled { return .cancelled }
            if let error = batch.failure { throw error }
            // Before the store is read: a quantum that ends meanwhile may have left its process runnable, unseen, and keeps the run going.
            let earlier = batch.running
            let runnable = try await runtime.store.read { store throws(LibOSError) in try store.processes(status: .runnable) }
            let turns = batch.inTurn(runnable.filter { only?.contains($0.id) ?? true && !runtime.quanta.isActive($0.id) })
            // Again: a quantum that stopped the run meanwhile has left its process runnable, and it must not get another turn.
            if let error = batch.failure { throw error }
            for process in turns where batch.reserve() {
                guard try await claim(process.id) else {
                    batch.refund()
                    continue
                }
                start(process.id, in: batch)
            }
            let isStuck = try await isStuck(earlier + batch.running)
            if batch.isSpent {
                if try await unblock(batch, only: only) { continue }
                if isStuck { return .quanta }
            }
            if turns.isEmpty, isStuck {
                if try await runtime.expireOverdueRequests() > 0 { continue }
                guard let humans, try await !runtime.drainHumanQueue(with: humans).isEmpty else { return .idle }
                continue
            }
            if batch.isSpent {
                // A turn that comes to nothing gives its quantum back, so what is under way ends first.
                let isInTime = try await batch.waitForQuanta(runtime.store.commits, atMost: limits.drain) { () async throws(LibOSError) in
                    if !batch.isSpent { return true }
                    return try await self.isStuck(batch.running)
                }
                if batch.isSpent, !isInTime { return .quanta }
                continue
            }
            _ = await wakeups.next()
        }
    }

    /// Whether nothing that is under way goes on by itself: each quantum's tool waits, and what it waits for has not happened.
    private func isStuck(_ running: [ProcessID]) async throws(LibOSError) -> Bool {
        guard runtime.quanta.areAllParked(running) else { return false }
        if running.isEmpty { return true }
        return try await runtime.store.read { store throws(LibOSError) in
            for id in running {
                // What happened made the process runnable; its tool only has not noticed yet.
                guard let status = try store.process(id)?.status, status.isWaiting || status == .paused else { return false }
            }
            return true
        }
    }

    func start(_ id: ProcessID, in batch: SchedulerBatch) {
        batch.begin(id)
        let task = Task {
            do throws(LibOSError) {
                let result = try await quantum(of: id)
                let generation = try await runtime.store.read { store throws(LibOSError) in try store.process(id)?.generation }
                batch.finish(id, result, generation: generation)
            } catch {
                batch.finish(id, failure: error)
            }
        }
        batch.add(task, for: id)
        runtime.quanta.onCancel(id) { task.cancel() }
    }

    /// Cancels what is still under way and waits until it has noticed, bounded.
    private func drain(_ batch: SchedulerBatch) async {
        // A cancelled run still cleans up after itself: its own waiting must not be cancelled with it.
        await Task {
            let cancelled = batch.cancelRunning()
            if cancelled.isEmpty { return }
            for id in cancelled { await recordCancellation(of: id) }
            _ = try? await batch.waitForQuanta(runtime.store.commits, atMost: limits.grace) { () async throws(LibOSError) in false }
        }.value
    }

    private func recordCancellation(of id: ProcessID) async {
        // The quantum is cancelled in any case; a store that cannot record it reports its failure with the next write.
        try? await runtime.store.write { transaction throws(LibOSError) in
            try transaction.audit(
                "scheduler.process_task_cancelled", by: "scheduler", target: id.resourceText, .object(["reason": .string("the run ended")]))
        }
    }
}
