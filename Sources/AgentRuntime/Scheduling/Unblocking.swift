internal import LibOSModel
internal import StrictJSON

/// When the quanta of a run are used, tools that are still under way may wait for processes that could go on. Those get some quanta
/// more, in the end to nobody's harm: what such a tool did so far would be cancelled otherwise.
extension Scheduler {
    /// Gives a quantum to each runnable process that something under way waits for, as far as there are extra ones. Whether any got one.
    func unblock(_ batch: SchedulerBatch, only: Set<ProcessID>?) async throws(LibOSError) -> Bool {
        let running = batch.running
        if running.isEmpty { return false }
        let needed = try await runtime.store.read { store throws(LibOSError) in
            var needed: [(waiter: ProcessID, process: AgentProcess)] = []
            for waiter in running {
                for process in try store.runnableDependencies(of: waiter) { needed.append((waiter, process)) }
            }
            return needed
        }
        var hasStarted = false
        for (waiter, process) in needed {
            let id = process.id
            guard only?.contains(id) ?? true, !runtime.quanta.isActive(id), batch.mayStart(process) else { continue }
            guard batch.reserveUnblocking(id, atMost: limits.unblocking) else { break }
            guard try await claim(id, unblocking: waiter) else {
                batch.refundUnblocking(id)
                continue
            }
            start(id, in: batch)
            hasStarted = true
        }
        return hasStarted
    }
}

extension StoreReading {
    /// The runnable processes that a waiting one needs, through others that wait themselves.
    fileprivate func runnableDependencies(of waiter: ProcessID) throws(LibOSError) -> [AgentProcess] {
        var found: [AgentProcess] = []
        var seen: Set<ProcessID> = [waiter]
        var next = [waiter]
        while let id = next.popLast() {
            guard let process = try process(id) else { continue }
            if id != waiter, process.status == .runnable { found.append(process) }
            guard process.status.isWaiting else { continue }
            for needed in try whoCanEnd(process) where seen.insert(needed).inserted { next.append(needed) }
        }
        return found
    }

    /// Whose turn could end the wait of a process. People's answers are not the scheduler's to bring about.
    private func whoCanEnd(_ process: AgentProcess) throws(LibOSError) -> [ProcessID] {
        switch process.wait {
        case .child(let child): return [child]
        case .message(let filter):
            if let sender = filter.sender { return [ProcessID(sender)].compactMap { $0 } }
            // Nobody else may write to it.
            return try [process.parent].compactMap { $0 } + children(of: process.id).map(\.id)
        case .human, nil: return []
        }
    }
}
