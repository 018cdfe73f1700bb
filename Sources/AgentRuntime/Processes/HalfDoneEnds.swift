internal import LibOSModel

extension ProcessTable {
    /// Finishes the ends that a crash left half done. A store that is opened after one fails the process whose action was perhaps
    /// done, and knows nothing of what else an end brings with it: descendants, questions, memory.
    func finishEnds(in transaction: any StoreTransaction) throws(LibOSError) {
        for process in try transaction.processes(status: .failed) where try isHalfDone(process.id, in: transaction) {
            try cleanUp(after: process, result: nil, in: transaction)
        }
    }

    private func isHalfDone(_ id: ProcessID, in store: any StoreReading) throws(LibOSError) -> Bool {
        // A result that was left behind is not its maker's any more.
        if try !store.objects(createdBy: id.text).isEmpty { return true }
        if try !store.humanRequests(status: .pending, process: id).isEmpty { return true }
        return try store.children(of: id).contains { !$0.status.isTerminal }
    }
}
