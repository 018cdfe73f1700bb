package import LibOSModel

/// Who answers requests while a run goes on: a terminal, a console, or nobody.
package protocol HumanResponder: Sendable {
    /// A decision, or nil to leave the request open.
    func decision(for request: HumanRequest) async -> HumanDecision?
}

/// Answers that were given beforehand. Without a value for its kind a request stays open.
package struct AutomaticResponder: HumanResponder {
    package var approves: Bool?
    package var policy: PermissionPolicy?
    package var answer: String?
    package var human: String

    package init(approves: Bool? = nil, policy: PermissionPolicy? = nil, answer: String? = nil, human: String = HumanQueue.standardHuman) {
        self.approves = approves
        self.policy = policy
        self.answer = answer
        self.human = human
    }

    package func decision(for request: HumanRequest) async -> HumanDecision? {
        let responder = "human:\(human)"
        switch request.content {
        case .question: return answer.map { HumanDecision(responder: responder, isApproved: true, answer: $0) }
        case .permission:
            guard let policy = policy ?? approves.map({ $0 ? .alwaysAllow : .alwaysDeny }) else { return nil }
            return HumanDecision(responder: responder, isApproved: policy != .alwaysDeny, policy: policy)
        case .approval: return approves.map { HumanDecision(responder: responder, isApproved: $0) }
        case .output: return nil
        }
    }
}
