package import LibOSModel
internal import StrictJSON

extension HumanQueue {
    /// What a decided request means for the action that waited for it: its decision, a wait when it is still open, or an error
    /// that says that a person refused.
    package func outcome(
        of id: HumanRequestID, for process: ProcessID, in transaction: any StoreTransaction
    ) throws(LibOSError) -> Completion<HumanDecision> {
        guard let request = try transaction.humanRequest(id), request.process == process else {
            throw .notFound("human request \(id) of process \(process)")
        }
        switch request.status {
        case .pending:
            let wait = WaitState.human([id])
            try transaction.beginWait(wait, of: process)
            return .waiting(wait)
        case .approved, .used:
            guard let decision = request.decision else { throw LibOSError(.store, "request \(id) is approved without a decision") }
            return .done(decision)
        case .rejected, .edited, .cancelled, .delivered, .expired:
            throw .denied(
                Denial(
                    layer: .human, rule: "human_request:\(id)", reason: "request \(id) is \(request.status.rawValue)",
                    suggestion: request.decision?.reason.map { "the person said: \(printable($0))" } ?? "choose another way"))
        }
    }
}
