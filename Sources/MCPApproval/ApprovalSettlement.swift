internal import AgentRuntime
package import CapabilityBroker
package import LibOSModel
package import SandboxPolicy
internal import StrictJSON

/// Takes an answer that came through an MCP client into the store, as far as that channel is trusted, and puts all of it on record.
package struct ApprovalSettlement: Sendable {
    /// The question's, for rows: `mcp:files:write`.
    package var target: String
    /// The client that the answer came from, by its own words.
    package var client: String
    /// Nil where the call has no record of its own yet.
    package var call: ToolCallID?

    package init(target: String, client: String, call: ToolCallID? = nil) {
        self.target = target
        self.client = client
        self.call = call
    }

    /// What an answer came to.
    package enum Result: Sendable, Equatable {
        /// The call may be decided: the yes is there, whoever gave it, and good for this action alone, once.
        case agreed
        /// One sentence for the model.
        case refused(String, isOpen: Bool)
    }

    /// - Parameters:
    ///   - hash: of the call that the answer came with; an answer to another one is none.
    ///   - trust: of the question, found anew from the policy.
    package func settle(
        _ id: HumanRequestID, _ answer: ApprovalAnswer, of session: ProcessID, hash: String, trust: AskTrust, _ broker: CapabilityBroker,
        in transaction: any StoreTransaction
    ) throws(LibOSError) -> Result {
        let humans = HumanQueue(authority: Authority(broker: broker))
        let (result, rule) = try weigh(id, answer, of: session, hash: hash, trust: trust, humans, in: transaction)
        _ = try transaction.append(
            AuditEntry(
                actor: session.text, action: "mcp.approval_answer", target: target,
                decision: .object([
                    "request_id": .string(id.text), "call_id": .optional(call?.text), "answer": .string(answer.rawValue),
                    "channel": .string("mcp client \(client)"), "trusted": .bool(trust.channel == .any),
                    "trust_reason": .string(trust.reason),
                    "counted": .bool(result == .agreed || rule == "answered"), "rule": .string(rule), "action_hash": .string(hash),
                ]), correlation: call?.text ?? id.text))
        return result
    }

    private func weigh(
        _ id: HumanRequestID, _ answer: ApprovalAnswer, of session: ProcessID, hash: String, trust: AskTrust, _ humans: HumanQueue,
        in transaction: any StoreTransaction
    ) throws(LibOSError) -> (Result, rule: String) {
        guard let request = try transaction.humanRequest(id), request.process == session, case .approval(let approval, _) = request.content,
            approval.actionHash.utf8.elementsEqual(hash.utf8)
        else { return (.refused("the answer belongs to another call", isOpen: false), "another-call") }
        guard trust.channel == .any else {
            return (.refused("it is answered on the user's machine alone: \(trust.reason)", isOpen: true), "channel-not-trusted")
        }
        let reason = "in a form of the MCP client \(client)"
        switch request.status {
        case .pending where request.expiresAt.map({ $0 <= transaction.now }) == true:
            return (.refused("the question is too old", isOpen: false), "question-expired")
        case .pending:
            switch answer {
            case .allow, .deny:
                let decision = HumanDecision(responder: "human:\(request.human)", isApproved: answer == .allow, reason: reason)
                _ = try humans.decide(id, decision, in: transaction)
                if answer == .allow { return (.agreed, "answered") }
                return (.refused("the user said no \(reason)", isOpen: false), "answered")
            case .cancel, .malformed:
                try humans.withdraw([id], because: "the form was closed without an answer, \(reason)", in: transaction)
                let what =
                    answer == .cancel
                    ? "the user closed the form without an answer" : "the client gave an answer that the form does not have"
                return (.refused(what, isOpen: false), answer.rawValue)
            case .failed: return (.refused("the client did not show the form", isOpen: true), "failed")
            case .timedOut: return (.refused("nobody answered the form in time", isOpen: true), "timed-out")
            }
        case .approved:
            // Somebody was faster at another place. A no here still counts: it is about a call that was not made.
            if answer == .allow || answer == .failed || answer == .timedOut { return (.agreed, "agreed-elsewhere") }
            try humans.withdraw([id], because: "taken back \(reason)", in: transaction)
            return (.refused("the user did not say yes \(reason)", isOpen: false), "taken-back")
        case .used: return (.refused("the yes to it was used already", isOpen: false), "used")
        case .rejected, .edited, .cancelled, .delivered, .expired:
            let said = request.decision?.reason.map { ": " + printable($0) } ?? ""
            return (.refused("the question is closed (\(request.status.rawValue))\(said)", isOpen: false), "closed")
        }
    }
}

extension ApprovalSettlement {
    /// Takes the question back: nobody waits for its answer any more.
    package func withdraw(
        _ id: HumanRequestID, of session: ProcessID, because reason: String, _ broker: CapabilityBroker,
        in transaction: any StoreTransaction
    ) throws(LibOSError) {
        guard let request = try transaction.humanRequest(id), request.process == session else { return }
        // Somebody has answered already: what they said stands for the same call.
        guard request.status == .pending else { return }
        try HumanQueue(authority: Authority(broker: broker)).withdraw([id], because: reason, in: transaction)
        _ = try transaction.append(
            AuditEntry(
                actor: session.text, action: "mcp.approval_withdrawn", target: target,
                decision: .object(["request_id": .string(id.text), "call_id": .optional(call?.text), "reason": .string(reason)]),
                correlation: call?.text ?? id.text))
    }
}
