internal import CapabilityLanguage
internal import CommandOutput
internal import LibOSModel
internal import StrictJSON

/// A request as a person sees it before deciding: facts that the broker gathered, words of agents marked as such, and exactly what
/// a yes would leave behind. Nothing in it reaches a terminal as anything but text.
enum HumanRequestText {
    /// Bytes of an action that are shown here; a longer one is cut with a note.
    static let longestAction = 16_384

    static func lines(_ request: HumanRequest, now: Timestamp) -> [String] {
        var lines = ["\(request.id)  \(request.status.rawValue)  asked by \(request.process)  at \(request.createdAt)"]
        func line(_ name: String, _ text: String) { lines.append("  \(name.padded(to: 12))\(SafeText.line(printable(text)))") }
        switch request.content {
        case .question(let text, let context):
            line("question", text)
            if context != .object([]) { line("context", cut(context.canonicalText, request)) }
        case .permission(let wish, _, let reason):
            line("wishes for", "\(CapabilityWords.names(wish.rights)) on \(wish.resource)")
            line("it says", reason)
        case .approval(let approval, _):
            line("action", approval.tool)
            line("arguments", cut(approval.arguments.canonicalText, request))
            for need in approval.needs { line("needs", "\(CapabilityWords.names(need.rights)) on \(need.resource)") }
            for rule in approval.rules { line("asked by", rule) }
            if case .object(let facts) = approval.facts {
                for fact in facts { line(SafeText.line(printable(fact.key)), fact.value.plainText) }
            }
            if !approval.policyHash.isEmpty { line("policy", approval.policyHash) }
            line("action hash", approval.actionHash)
        case .output(let message, _): line("said", message)
        }
        if let decision = request.decision {
            line("decided", "\(decision.isApproved ? "yes" : "no") by \(decision.responder)" + (decision.reason.map { ": \($0)" } ?? ""))
            if let answer = decision.answer { line("answer", answer) }
            if let policy = decision.policy { line("remembered", policy.rawValue) }
        }
        if let end = request.expiresAt, request.status == .pending { line(end <= now ? "expired" : "until", end.description) }
        return lines
    }

    /// What would stay after a decision.
    static func remembered(_ request: HumanRequest, policy: PermissionPolicy = .alwaysAllow) -> String {
        switch request.content {
        case .question: "nothing is remembered but the answer itself"
        case .permission(let wish, _, _):
            "remembered for \(request.process) alone: \(policy.rawValue), \(CapabilityWords.names(wish.rights)) on \(wish.resource)"
        case .approval:
            "a yes holds for this very action, once; nothing else is remembered"
        case .output: "nothing is remembered"
        }
    }

    /// The command that decides it.
    static func command(for request: HumanRequest) -> String {
        if case .question = request.content { return "glovebox human answer \(request.id) TEXT" }
        return "glovebox human approve \(request.id)"
    }

    /// In a few words, for lists.
    static func summary(_ request: HumanRequest) -> String {
        switch request.content {
        case .question(let text, _): text
        case .permission(let wish, _, _): "\(CapabilityWords.names(wish.rights)) on \(wish.resource)"
        case .approval(let approval, _): "\(approval.tool) \(approval.arguments.canonicalText)"
        case .output(let message, _): message
        }
    }

    private static func cut(_ text: String, _ request: HumanRequest) -> String {
        guard text.utf8.count > longestAction else { return text }
        let shown = String(decoding: text.utf8.prefix(longestAction), as: UTF8.self)
        return "\(shown)… and \(text.utf8.count - longestAction) bytes more; `glovebox human show \(request.id) --json` has all of it"
    }
}

extension JSONValue {
    /// Text without its quotes, everything else as JSON.
    var plainText: String { if case .string(let text) = self { text } else { canonicalText } }
}
