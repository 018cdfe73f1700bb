internal import AgentRuntime
internal import LibOSModel

/// Puts requests before the person at the terminal. Whatever is not clearly a yes is a no; a terminal that is gone decides nothing.
struct TerminalResponder: HumanResponder {
    let prompt: TerminalPrompt
    var human = HumanQueue.standardHuman

    func decision(for request: HumanRequest) async -> HumanDecision? {
        prompt.show([""] + HumanRequestText.lines(request, now: SystemClock().now()))
        let responder = "human:\(human)"
        switch request.content {
        case .question:
            guard let answer = await prompt.ask("answer (empty: none):") else { return nil }
            return answer.isEmpty
                ? HumanDecision(responder: responder, isApproved: false)
                : HumanDecision(responder: responder, isApproved: true, answer: answer)
        case .permission:
            prompt.show(["  allow: " + HumanRequestText.remembered(request), "  each:  asked each time", "  deny:  always_deny"])
            guard let word = await prompt.ask("allow, each or deny? [deny]") else { return nil }
            let policy = PromptWord.policy(word)
            return HumanDecision(responder: responder, isApproved: policy != .alwaysDeny, policy: policy)
        case .approval:
            prompt.show(["  \(HumanRequestText.remembered(request))"])
            guard let word = await prompt.ask("do it, once? [y/N]") else { return nil }
            return HumanDecision(responder: responder, isApproved: PromptWord.isYes(word))
        case .output: return nil
        }
    }
}

/// Words that a person answers with.
enum PromptWord {
    static func isYes(_ word: String) -> Bool { ["y", "yes"].contains(word.lowercased()) }

    /// Everything that is not one of the words is a deny.
    static func policy(_ word: String) -> PermissionPolicy {
        switch word.lowercased() {
        case "a", "allow", "y", "yes": .alwaysAllow
        case "e", "each", "ask": .askEachTime
        default: .alwaysDeny
        }
    }
}
