internal import CapabilityBroker
package import LibOSModel
internal import StrictJSON

extension HumanQueue {
    /// Decides a request, once. The responder must be the person that was asked, or `human:owner`. What is granted goes to the
    /// process that asked. Returns the request as it is then: `expired` when its time was over, whatever was decided.
    /// Throws `validation` when it is decided already or the decision does not fit, `denied` when the responder may not.
    package func decide(
        _ id: HumanRequestID, _ decision: HumanDecision, in transaction: any StoreTransaction
    ) throws(LibOSError) -> HumanRequest {
        guard var request = try transaction.humanRequest(id) else { throw .notFound("human request \(id)") }
        if request.status == .cancelled { throw withdrawn(request) }
        guard request.status == .pending else {
            throw LibOSError(.validation, "request \(id) is decided: \(request.status.rawValue)", mend: "a request is decided once")
        }
        guard decision.responder == "human:\(request.human)" || decision.responder == "human:\(Self.standardHuman)" else {
            throw .denied(
                Denial(
                    layer: .human, rule: "human:\(request.human)",
                    reason: "\(printable(decision.responder)) may not decide what human:\(request.human) was asked"))
        }
        if request.isExpired(at: transaction.now) {
            request.status = .expired
            request.decision = decision
        } else {
            try apply(decision, to: &request, in: transaction)
        }
        try close(request, by: decision.responder, in: transaction)
        return request
    }

    /// Takes the decision down and grants what it grants.
    private func apply(
        _ decision: HumanDecision, to request: inout HumanRequest, in transaction: any StoreTransaction
    ) throws(LibOSError) {
        var final = decision
        if case .permission = request.content {
            let policy = decision.policy ?? (decision.isApproved ? .alwaysAllow : .alwaysDeny)
            guard (policy == .alwaysDeny) == !decision.isApproved else {
                throw LibOSError(.validation, "the decision contradicts its policy `\(policy.rawValue)`", mend: "decide one of them")
            }
            final.policy = policy
        }
        request.decision = final
        request.status = final.isApproved ? .approved : .rejected
        request.updatedAt = transaction.now
        // The broker grants what the store says that was decided.
        try transaction.update(request)
        switch request.content {
        case .question:
            guard !decision.isApproved || decision.answer != nil else {
                throw LibOSError(.validation, "an answer is missing", mend: "answer the question, or reject it")
            }
        case .permission: try authority.broker.remember(request, in: transaction)
        case .approval where final.isApproved: try authority.broker.approve(request, in: transaction)
        case .approval, .output: break
        }
    }

    /// Stores a request that is no longer pending, tells of it, and wakes its process when nothing else is asked.
    func close(
        _ request: HumanRequest, by responder: String, in transaction: any StoreTransaction
    ) throws(LibOSError) {
        var request = request
        request.updatedAt = transaction.now
        try transaction.update(request)
        let facts: JSONValue = .object([
            "request_id": .string(request.id.text), "status": .string(request.status.rawValue),
            "decision": request.decision?.json ?? .null,
        ])
        try transaction.emit(.humanResponse, from: responder, to: request.process.text, facts)
        try transaction.audit("human.response", by: responder, target: "human_request:\(request.id)", facts)
        if let process = try transaction.process(request.process), case .human? = process.wait {
            _ = try transaction.wake(process.id, seen: process.generation)
        }
    }

    /// Closes every request whose time is over. Its process goes on and finds it `expired`. Returns how many there were.
    @discardableResult
    package func expireOverdue(in transaction: any StoreTransaction) throws(LibOSError) -> Int {
        var count = 0
        for var request in try transaction.humanRequests(status: .pending, process: nil) where request.isExpired(at: transaction.now) {
            request.status = .expired
            try close(request, by: "runtime", in: transaction)
            count += 1
        }
        return count
    }
}
