internal import CapabilityLanguage
internal import LibOSModel
internal import SandboxPolicy

extension RightDecision {
    /// One sentence: who decided, and what it was about.
    func reason(for subject: ProcessID) -> String {
        let what = "\(right.rawValue) on \(resource)"
        let record = selected?.text ?? "no record"
        switch (cause, effect) {
        case (.policy(let word), _): return word.reason
        case (.noRecord, _): return "\(subject) holds nothing that allows \(what)"
        case (.constraint, _): return "\(record) decides on \(what), and its condition is not met: \(unmet)"
        case (.inside(let place), .ask): return "somebody must agree: \(record) asks for \(place), a part of \(resource)"
        case (.inside(let place), _): return "\(record) keeps \(place) out, a part of \(resource)"
        case (.record, .allow): return "\(record) allows \(what)"
        case (.record, .ask): return "somebody must agree: \(record) asks before \(what)"
        case (.record, .deny): return "\(record) denies \(what); no allow outweighs a deny"
        }
    }

    private var unmet: String {
        constraints.filter { !$0.isMet }.map { "\($0.key) (\($0.detail))" }.joined(separator: ", ")
    }

    /// Why it was refused; for an `ask`, why it is refused when nobody can be asked.
    func denial(for subject: ProcessID) -> Denial {
        let reason = reason(for: subject)
        // A program can be copied under another name.
        let isCertain = resource.kind != .shell
        let grant = PolicyRule.text(.allow, resource, [right]) + " for \(subject)"
        switch cause {
        case .policy(let word):
            return Denial(
                layer: .policy, rule: word.rule.map { "\($0.text) at \($0.location)" } ?? "no rule", isCertain: word.isCertain,
                reason: reason, suggestion: word.smallestGrant)
        case .noRecord:
            return Denial(layer: .capability, rule: "no record", isCertain: isCertain, reason: reason, suggestion: grant)
        case .constraint, .inside, .record:
            // Nothing outweighs a deny; of the rest a newer record for this very place does.
            let isFinal = effect == .deny && constraints.allSatisfy(\.isMet)
            return Denial(
                layer: .capability, rule: selected?.text ?? "no record", isCertain: isCertain, reason: reason,
                suggestion: isFinal ? nil : grant)
        }
    }
}
