package import LibOSModel
internal import StrictJSON

/// What a runner throws when the run cannot go on and no process is to blame: the run ends in order, and the process keeps its state.
package struct RunFailure: Error {
    package var reason: LibOSError
    package init(_ reason: LibOSError) { self.reason = reason }
}

extension Scheduler {
    /// Takes a process for one quantum. False when it is not runnable any more or has one: then nothing was changed.
    /// - Parameter waiter: For a quantum beyond those of the run: whose wait it may end.
    func claim(_ id: ProcessID, unblocking waiter: ProcessID? = nil) async throws(LibOSError) -> Bool {
        guard runtime.quanta.begin(id) else { return false }
        do throws(LibOSError) {
            let isClaimed = try await runtime.store.write { transaction throws(LibOSError) in
                guard var process = try transaction.process(id), process.status == .runnable else { return false }
                try process.startQuantum(at: transaction.now)
                try transaction.update(process)
                if let waiter {
                    try transaction.audit(
                        "scheduler.unblock_quantum_reserved", by: "scheduler", target: id.resourceText,
                        .object(["waiter_pid": .string(waiter.text)]))
                }
                try transaction.audit("scheduler.run_quantum", by: "scheduler", target: id.resourceText)
                return true
            }
            if !isClaimed { runtime.quanta.finish(id) }
            return isClaimed
        } catch {
            runtime.quanta.finish(id)
            throw error
        }
    }

    /// One quantum of a claimed process, to its end: whatever happens inside, the claim is given back.
    func quantum(of id: ProcessID) async throws(LibOSError) -> QuantumResult {
        let begin = ContinuousClock.now
        var result: QuantumResult
        var failure: (text: String, type: String)?
        var stop: LibOSError?
        do {
            result = try await runner.runQuantum(id)
        } catch let error as RunFailure {
            (result, stop) = (QuantumResult(process: id, payload: .null), error.reason)
        } catch let error as LibOSError where error.code == .store {
            // A store without room is not the process's doing: there may be room at the next run.
            (result, stop) = (QuantumResult(process: id, payload: .null), error)
        } catch is CancellationError {
            result = QuantumResult(
                process: id, payload: .object(["ok": .bool(false), "pid": .string(id.text), "error": .string("the quantum was cancelled")]))
        } catch {
            failure = ((error as? LibOSError)?.description ?? "\(error)", "\(Swift.type(of: error))")
            result = QuantumResult(
                process: id,
                payload: .object(["ok": .bool(false), "pid": .string(id.text), "error": .string(failure?.text ?? "")]))
        }
        let (failed, elapsed) = (failure, ContinuousClock.now - begin)
        let processes = runtime.processes
        defer { runtime.quanta.finish(id) }
        let seconds = runtime.quanta.wholeSeconds(adding: elapsed, to: id)
        // A store finishes what it was handed, even when the quantum's task is cancelled.
        let hasEnded: Bool
        do throws(LibOSError) {
            hasEnded = try await runtime.store.write { transaction throws(LibOSError) in
                if let failed {
                    try processes.fail(id, because: "the quantum failed: \(failed.text)", in: transaction)
                    try transaction.audit(
                        "scheduler.process_task_failed", by: "scheduler", target: id.resourceText,
                        .object(["error": .string(failed.text), "error_type": .string(failed.type)]))
                }
                try processes.chargeRuntime(seconds, to: id, in: transaction)
                var process = try transaction.existingProcess(id)
                if process.endQuantum(at: transaction.now) { try transaction.update(process) }
                return process.status.isTerminal
            }
        } catch {
            throw stop ?? error
        }
        // Its end was the end of its descendants.
        if hasEnded { try await runtime.cancelStoppedQuanta(except: id) }
        if let stop { throw stop }
        return result
    }
}

extension AgentRuntime {
    /// Cancels the quanta of processes that were ended or paused under them, so that their tools end too: who holds an agent means what
    /// it does now. What the tool was doing is recorded as cancelled and is not done again. `except` is who stopped them, and may finish
    /// what it does.
    func cancelStoppedQuanta(except actor: ProcessID? = nil) async throws(LibOSError) {
        let active = quanta.cancellable.filter { $0 != actor }
        if active.isEmpty { return }
        let stopped = try await store.read { store throws(LibOSError) in
            var stopped: [ProcessID] = []
            for id in active {
                if let process = try store.process(id), process.status.isTerminal || process.status == .paused { stopped.append(id) }
            }
            return stopped
        }
        for id in stopped { quanta.cancel(id) }
    }
}

extension ProcessTable {
    /// Charges the time of a quantum. A process that has used up its own or an ancestor's time ends.
    func chargeRuntime(_ seconds: Int64, to id: ProcessID, in transaction: any StoreTransaction) throws(LibOSError) {
        guard seconds > 0, try transaction.process(id)?.status.isTerminal == false else { return }
        do throws(LibOSError) {
            try transaction.charge(seconds, of: .runtimeSeconds, to: id)
        } catch {
            guard error.code == .limit else { throw error }
            try transaction.emit(
                .resourceLimitExceeded, from: "scheduler", to: id.text,
                .object(["limit": .string(BudgetItem.runtimeSeconds.rawValue), "error": .string(error.message)]), priority: .critical)
            try end(id, overBudget: .runtimeSeconds, in: transaction)
        }
    }
}
