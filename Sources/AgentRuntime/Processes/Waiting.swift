package import LibOSModel

/// Waits as the store has them: beginning one, asking whether it is over, and ending it.
extension StoreTransaction {
    /// Records that a process waits. Call it in the transaction that found out that it must, so that nothing comes in between.
    func beginWait(_ wait: WaitState, of id: ProcessID) throws(LibOSError) {
        var process = try existingProcess(id)
        try process.enter(wait, at: now)
        try update(process)
    }

    /// Wakes a process whose wait is over. Returns whether it woke: a late or early waker changes nothing.
    func wake(_ id: ProcessID, seen generation: Int64) throws(LibOSError) -> Bool {
        guard var process = try process(id), let wait = process.wait, try isOver(wait, of: process.id) else { return false }
        guard process.wake(seen: generation, at: now) else { return false }
        try update(process)
        return true
    }
}

extension StoreReading {
    /// Whether what the process waits for has happened.
    func isOver(_ wait: WaitState, of id: ProcessID) throws(LibOSError) -> Bool {
        switch wait {
        case .human(let requests):
            for request in requests {
                if let request = try humanRequest(request), request.status == .pending { return false }
            }
            return true
        case .child(let child):
            return try process(child)?.status.isTerminal ?? true
        case .message(let filter):
            return try !messages(for: id, status: .unread, matching: filter, limit: 1).isEmpty
        }
    }
}

extension ProcessTable {
    /// Puts a process back into a wait that is not over, after something made it run all the same.
    package func waitAgain(
        for wait: WaitState, _ id: ProcessID, in transaction: any StoreTransaction
    ) throws(LibOSError) {
        try transaction.beginWait(wait, of: id)
    }
}
