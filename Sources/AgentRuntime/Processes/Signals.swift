package import LibOSModel
internal import StrictJSON

extension ProcessTable {
    /// Signals a process on behalf of an operator: `pause` holds one that has not ended, `resume` lets a paused one go on,
    /// `cancel` and `terminate` end it for good and release its memory, `interrupt` is only told. Anything else is refused.
    package func signal(
        _ id: ProcessID, _ signal: ProcessSignal, reason: String? = nil, by actor: String = "runtime",
        audit action: String = "process.signal", in transaction: any StoreTransaction
    ) throws(LibOSError) {
        var process = try transaction.existingProcess(id)
        switch signal {
        case .pause:
            try process.hold(.signal(reason), at: transaction.now)
            process.statusMessage = reason
            try transaction.update(process)
        case .resume:
            let isOver = try process.wait.map { wait throws(LibOSError) in try transaction.isOver(wait, of: id) } ?? true
            try process.release(waitIsOver: isOver, at: transaction.now)
            process.statusMessage = reason
            try transaction.update(process)
        case .interrupt:
            try process.requireAlive(to: "be interrupted")
        case .cancel, .terminate:
            process = try close(id, as: .killed, .signal(signal, reason: reason), message: reason, in: transaction)
        }
        try tell(signal, to: id, reason: reason, by: actor, audit: action, in: transaction)
        if process.status.isTerminal { try cleanUp(after: process, result: nil, in: transaction) }
    }

    /// Signals a direct child.
    package func signalChild(
        _ child: ProcessID, _ signal: ProcessSignal, reason: String? = nil, by origin: ActionOrigin,
        in transaction: any StoreTransaction
    ) throws(LibOSError) {
        _ = try directChild(child, of: origin.process, in: transaction)
        try self.signal(child, signal, reason: reason, by: origin.process.text, audit: "process.signal_child", in: transaction)
    }

    /// A person's signal.
    package func interrupt(
        _ id: ProcessID, _ signal: ProcessSignal = .interrupt, reason: String? = nil, by human: String = HumanQueue.standardHuman,
        in transaction: any StoreTransaction
    ) throws(LibOSError) {
        try self.signal(id, signal, reason: reason, by: "human:\(human)", audit: "human.interrupt", in: transaction)
    }

    func kill(
        _ id: ProcessID, by signal: ProcessSignal, reason: String, in transaction: any StoreTransaction
    ) throws(LibOSError) {
        try self.signal(id, signal, reason: reason, in: transaction)
    }

    private func tell(
        _ signal: ProcessSignal, to id: ProcessID, reason: String?, by actor: String, audit action: String,
        in transaction: any StoreTransaction
    ) throws(LibOSError) {
        let facts: JSONValue = .object([
            "signal": .string(signal.rawValue), "payload": .object(["reason": .optional(reason)]),
        ])
        try transaction.emit(.processSignal, from: actor, to: id.text, facts, priority: signal == .interrupt ? .high : .normal)
        try transaction.audit(action, by: actor, target: id.resourceText, facts)
    }

    /// The process, when it is a direct child of the other one.
    func directChild(
        _ child: ProcessID, of parent: ProcessID, in store: any StoreReading
    ) throws(LibOSError) -> AgentProcess {
        // Who asks about somebody else's process hears the same as about one that does not exist.
        guard let process = try store.process(child), process.parent == parent else {
            throw LibOSError(.process, "\(child) is no child of process \(parent)", mend: "name one that list_children shows")
        }
        return process
    }
}
