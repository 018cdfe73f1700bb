package import CapabilityLanguage

/// What the rules say about one action, and why.
package struct Decision: Sendable, Equatable {
    package var effect: Effect
    /// The rule that decided; nil when none matched, which is a denial.
    package var rule: RuleReference?
    /// False when the kernel may see it differently than the text: a program can be copied under another name.
    package var isCertain: Bool
    /// One sentence for people.
    package var reason: String
    /// The smallest policy line that would allow the action; nil when it is allowed, or when a deny must go first.
    package var smallestGrant: String?
}

extension ResolvedPolicy {
    /// Decides one action. Several rights are decided together: the lowest effect wins.
    package func decide(_ action: PolicyAction) -> Decision {
        var lowest: (effect: Effect, rule: PolicyRule?, right: CapabilityRight)?
        let set = ruleSet(of: action.resource.kind)
        for right in action.rights {
            let rule = set.decidingRule(action.resource, right)
            let effect = rule?.effect ?? .deny
            if lowest == nil || effect < (lowest?.effect ?? .allow) { lowest = (effect, rule, right) }
        }
        guard let lowest else {
            return Decision(effect: .deny, rule: nil, isCertain: true, reason: "no right was named", smallestGrant: nil)
        }
        let needed = PolicyRule.policyLine(.allow, action.resource, action.rights)
        let because = lowest.rule?.reference.because.map { " (\($0))" } ?? ""
        let isCertain = action.resource.kind != .shell
        guard let rule = lowest.rule else {
            return Decision(
                effect: .deny, rule: nil, isCertain: isCertain,
                reason: "no rule of `\(name)` allows \(lowest.right.rawValue) on \(action.resource)", smallestGrant: needed)
        }
        let place = "\(rule.reference.text) at \(rule.reference.location)\(because)"
        switch rule.effect {
        case .allow:
            return Decision(effect: .allow, rule: rule.reference, isCertain: isCertain, reason: "allowed by \(place)", smallestGrant: nil)
        case .ask:
            return Decision(
                effect: .ask, rule: rule.reference, isCertain: isCertain, reason: "somebody must agree: \(place)", smallestGrant: needed)
        case .deny:
            return Decision(
                effect: .deny, rule: rule.reference, isCertain: isCertain,
                reason: "denied by \(place); no allow outweighs a deny", smallestGrant: nil)
        }
    }
}
