internal import CapabilityLanguage
package import LibOSModel
internal import StrictJSON

extension ProcessTable {
    /// Leaves with a result, a message, or as failed. A result must be the process's own object, or one that it may grant: what a
    /// process was merely shown does not become its parent's because it left it behind. Throws `process` when it has ended.
    package func exit(
        _ origin: ActionOrigin, result: ObjectID? = nil, failed: Bool = false, message: String? = nil,
        in transaction: any StoreTransaction
    ) throws(LibOSError) {
        let process = try transaction.existingProcess(origin.process)
        try process.requireAlive(to: "exit")
        if let result { try checkResult(result, of: origin, in: transaction) }
        let outcome: ProcessOutcome =
            if let result { .result(result) } else if failed { .failure(message ?? "it failed") } else { .message(message ?? "") }
        try end(process.id, as: failed ? .failed : .exited, outcome, message: message, result: result, in: transaction)
    }

    /// Gives up a process because of something that went wrong outside of it. Nothing happens when it has ended already.
    package func fail(_ id: ProcessID, because reason: String, in transaction: any StoreTransaction) throws(LibOSError) {
        if try transaction.existingProcess(id).status.isTerminal { return }
        try end(id, as: .failed, .failure(reason), message: reason, result: nil, in: transaction)
    }

    /// Ends a process whose budget, or whose ancestor's, is used up.
    package func end(_ id: ProcessID, overBudget item: BudgetItem, in transaction: any StoreTransaction) throws(LibOSError) {
        if try transaction.existingProcess(id).status.isTerminal { return }
        try end(id, as: .killed, .budget(item), message: "the budget \(item.rawValue) is used up", result: nil, in: transaction)
    }

    private func end(
        _ id: ProcessID, as status: ProcessStatus, _ outcome: ProcessOutcome, message: String?, result: ObjectID?,
        in transaction: any StoreTransaction
    ) throws(LibOSError) {
        let process = try close(id, as: status, outcome, message: message, in: transaction)
        try transaction.emit(
            .processExited, from: id.text, to: process.parent?.text,
            .object(["pid": .string(id.text), "status": .string(status.rawValue), "result_oid": .optional(result)]))
        try transaction.audit(
            "process.exit", by: id.text, target: id.resourceText, outputs: [result].compactMap { $0 },
            .object(["status": .string(status.rawValue), "message": .optional(message)]))
        try cleanUp(after: process, result: result, in: transaction)
    }

    /// The terminal transition itself.
    func close(
        _ id: ProcessID, as status: ProcessStatus, _ outcome: ProcessOutcome, message: String?, in transaction: any StoreTransaction
    ) throws(LibOSError) -> AgentProcess {
        var process = try transaction.existingProcess(id)
        try process.end(status, outcome, at: transaction.now)
        process.statusMessage = message
        try transaction.update(process)
        return process
    }

    /// What every end brings with it: nothing is asked, allowed or pending any more, descendants end, memory is released, and a parent that
    /// waits goes on.
    func cleanUp(after process: AgentProcess, result: ObjectID?, in transaction: any StoreTransaction) throws(LibOSError) {
        try transaction.deletePendingAction(of: process.id)
        try humans.withdrawAll(of: process.id, because: "its process has ended", in: transaction)
        for child in try transaction.children(of: process.id) where !child.status.isTerminal {
            try kill(child.id, by: .terminate, reason: "its parent \(process.id) ended", in: transaction)
        }
        try memory.releaseOwned(by: process.id, except: result, in: transaction)
        if let parent = try process.parent.flatMap({ id throws(LibOSError) in try transaction.process(id) }),
            parent.wait == .child(process.id), try transaction.wake(parent.id, seen: parent.generation)
        {
            try transaction.audit(
                "process.wait_wake", by: "process", target: parent.id.resourceText, .object(["child_pid": .string(process.id.text)]))
        }
    }

    private func checkResult(
        _ result: ObjectID, of origin: ActionOrigin, in transaction: any StoreTransaction
    ) throws(LibOSError) {
        let record = try authority.record(granting: [.read, .grant], on: .object(result), to: origin, in: transaction)
        guard record.usesRemaining == nil, record.isDelegable, record.expiresAt == nil else {
            throw .denied(
                Denial(
                    layer: .capability, rule: record.id.text, reason: "\(result) cannot be left as a result: it may not be passed on",
                    suggestion: "create an object of the process's own and leave that"))
        }
        guard try transaction.object(result) != nil else { throw .notFound("object \(result)") }
    }
}
