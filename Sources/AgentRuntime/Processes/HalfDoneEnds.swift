internal import LibOSModel

extension ProcessTable {
    /// Finishes the ends that a crash left half done. A store that is opened after one fails the process whose action was perhaps
    /// done, and knows nothing of what else an end brings with it: descendants, questions, memory.
    func finishEnds(in transaction: any StoreTransaction) throws(LibOSError) {
        for process in try transaction.processes(status: .failed) where try isHalfDone(process.id, in: transaction) {
            try cleanUp(after: process, result: nil, in: transaction)
        }
    }

    /// Withdraws what was asked from inside of calls that a crash cut off: nobody is there to hear the answer.
    func withdrawCutOffQuestions(in transaction: any StoreTransaction) throws(LibOSError) {
        for process in try transaction.processes(status: .paused) where process.pause == .interrupted && process.wait == nil {
            // An action that is kept goes on when its process is resumed, and takes its answer along.
            guard try transaction.pendingAction(of: process.id) == nil else { continue }
            try humans.withdrawAll(of: process.id, because: "the tool that asked ended with the runtime", in: transaction)
        }
    }

    private func isHalfDone(_ id: ProcessID, in store: any StoreReading) throws(LibOSError) -> Bool {
        // A result that was left behind is not its maker's any more.
        if try !store.objects(createdBy: id.text).isEmpty { return true }
        if try !store.humanRequests(status: .pending, process: id).isEmpty { return true }
        return try store.children(of: id).contains { !$0.status.isTerminal }
    }
}
