internal import CapabilityBroker
package import LibOSModel
internal import StrictJSON

/// Taking back what nobody waits for any more: a question is not answered into the void, and a yes to an action that was given up
/// does not stand for later.
extension HumanQueue {
    /// Withdraws these requests of a process, as far as they are open or approve something that was not done. Approvals of the same
    /// action fall together.
    package func withdraw(
        _ ids: some Sequence<HumanRequestID>, because reason: String, in transaction: any StoreTransaction
    ) throws(LibOSError) {
        for id in ids {
            guard let request = try transaction.humanRequest(id) else { continue }
            try withdraw(request, because: reason, in: transaction)
            guard case .approval(let approval, _) = request.content else { continue }
            for status in [HumanRequest.Status.pending, .approved] {
                for other in try transaction.humanRequests(status: status, process: request.process) {
                    guard case .approval(let same, _) = other.content, same.actionHash == approval.actionHash else { continue }
                    try withdraw(other, because: reason, in: transaction)
                }
            }
        }
    }

    /// Withdraws the approvals that a process got and did not use for the action that it has just ended: it has gone on without them, and
    /// they would keep other actions on the same resources from being asked about. What it waits for now stays.
    package func withdrawSuperseded(of process: ProcessID, in transaction: any StoreTransaction) throws(LibOSError) {
        let approved = try transaction.humanRequests(status: .approved, process: process)
        if approved.isEmpty { return }
        var awaited: Set<HumanRequestID> = []
        if case .human(let requests)? = try transaction.process(process)?.wait { awaited = requests }
        for request in approved where !awaited.contains(request.id) {
            try withdraw(request, because: "its process has gone on without it", in: transaction)
        }
    }

    /// Withdraws everything that a process asked and has no use for any more.
    func withdrawAll(of process: ProcessID, because reason: String, in transaction: any StoreTransaction) throws(LibOSError) {
        for status in [HumanRequest.Status.pending, .approved] {
            for request in try transaction.humanRequests(status: status, process: process) {
                try withdraw(request, because: reason, in: transaction)
            }
        }
    }

    private func withdraw(
        _ known: HumanRequest, because reason: String, in transaction: any StoreTransaction
    ) throws(LibOSError) {
        // It may have fallen with another one.
        guard var request = try transaction.humanRequest(known.id) else { return }
        switch (request.status, request.content) {
        case (.pending, _):
            request.decision = HumanDecision(responder: Self.runtimeResponder, isApproved: false, reason: reason)
        case (.approved, .approval(let approval, _)):
            let count = try authority.broker.withdrawApprovals(
                of: approval.actionHash, from: request.process, by: .runtime("human.withdraw"), in: transaction)
            // Its use is taken, or its time was over: then it says what was decided.
            if count == 0 { return }
        default: return
        }
        request.status = .cancelled
        try close(request, by: Self.runtimeResponder, in: transaction)
    }

    private static let runtimeResponder = "runtime"

    /// What somebody hears who decides a request that was taken back.
    func withdrawn(_ request: HumanRequest) -> LibOSError {
        let reason = request.decision.flatMap { $0.responder == Self.runtimeResponder ? $0.reason : nil }
        return LibOSError(
            .validation, "request \(request.id) was withdrawn\(reason.map { ": \($0)" } ?? "")", mend: "nothing is left to decide")
    }
}
