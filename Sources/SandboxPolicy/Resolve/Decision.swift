package import CapabilityLanguage
internal import StrictJSON

/// What a policy says about one action, and why: the answer is what a run enforces.
package struct Decision: Sendable, Equatable {
    package var effect: Effect
    /// The rule or setting that decided; nil when none matched, which is a denial.
    package var rule: RuleReference?
    /// Why the kernel may see it differently than the text; nil when the decision is certain.
    package var caveat: String?
    /// One sentence for people.
    package var reason: String
    /// The smallest policy line that would allow the action; nil when it is allowed, or when a deny must go first.
    package var smallestGrant: String?

    package var isCertain: Bool { caveat == nil }
}

/// What is known of one right on one resource, before it is put into words.
struct Finding {
    var effect: Effect
    var rule: RuleReference?
    var caveat: String?
    /// In place of the sentence that names the rule.
    var reason: String?
    /// In place of the rule that names resource and right.
    var grant: String?
    /// No policy line helps.
    var isFinal = false

    init(_ effect: Effect, by rule: RuleReference? = nil) {
        self.effect = effect
        self.rule = rule
    }

    /// What the rule says; without one nothing is allowed.
    init(_ rule: PolicyRule?) {
        effect = rule?.effect ?? .deny
        self.rule = rule?.reference
    }

    func with(caveat: String?) -> Finding {
        var copy = self
        copy.caveat = caveat
        return copy
    }
}

extension ResolvedPolicy {
    /// Decides one action. Several rights are decided together: the lowest effect wins.
    /// - Parameter workspace: its absolute path, where it is known: then a file of it has two names, and rules on both count.
    package func decide(_ action: PolicyAction, workspace: String? = nil) -> Decision {
        var lowest: (finding: Finding, right: CapabilityRight)?
        for right in action.rights {
            let found = finding(action.resource, right, workspace: workspace)
            if let lowest, lowest.finding.effect <= found.effect { continue }
            lowest = (found, right)
        }
        guard let (finding, right) = lowest else { return Decision(effect: .deny, rule: nil, caveat: nil, reason: "no right was named") }
        var decision = Decision(effect: finding.effect, rule: finding.rule, caveat: finding.caveat, reason: "", smallestGrant: nil)
        let place = finding.rule.map { "\($0.text) at \($0.location)" + ($0.because.map { " (\($0))" } ?? "") }
        switch (finding.effect, place) {
        case (.allow, let place): decision.reason = finding.reason ?? "allowed by \(place ?? "the sandbox itself")"
        case (.ask, let place): decision.reason = finding.reason ?? "somebody must agree: \(place ?? "")"
        case (.deny, .some(let place)): decision.reason = finding.reason ?? "denied by \(place); no allow outweighs a deny"
        case (.deny, nil): decision.reason = finding.reason ?? "no rule of `\(name)` allows \(right.rawValue) on \(action.resource)"
        }
        let isOpen = finding.effect == .ask || finding.effect == .deny && finding.rule == nil
        if isOpen, !finding.isFinal {
            decision.smallestGrant = finding.grant ?? PolicyRule.policyLine(.allow, action.resource, action.rights)
        }
        return decision
    }

    private func finding(_ resource: Resource, _ right: CapabilityRight, workspace: String?) -> Finding {
        switch resource.kind {
        case .filesystem, .shell: fileFinding(resource, right, workspace: workspace)
        case .environment: variableFinding(resource)
        case .syscall: systemCallFinding(resource)
        case .network: networkFinding(resource, right)
        default: Finding(ruleSet(of: resource.kind).decidingRule(resource, right))
        }
    }

    /// A variable comes by a rule, by `environment:`, or because every tool has it.
    private func variableFinding(_ resource: Resource) -> Finding {
        if let rule = ruleSet(of: .environment).decidingRule(resource, .read) { return Finding(rule) }
        guard let name = resource.parts.first?.text else { return Finding(nil) }
        if statedEnvironment.set[name] != nil {
            return Finding(.allow, by: stated("environment.set.\(name)", "environment: {set: {\(name): …}}"))
        }
        if statedEnvironment.pass.contains(name) {
            return Finding(.allow, by: stated("environment.pass.\(name)", "environment: {pass: [\(name)]}"))
        }
        guard EnvironmentRules.standard[name] != nil else { return Finding(nil) }
        var finding = Finding(.allow)
        finding.reason = "every tool has it, with a value of its own"
        return finding
    }

    /// `localhost` and the addresses that it stands for are one place.
    private func networkFinding(_ resource: Resource, _ right: CapabilityRight) -> Finding {
        let set = ruleSet(of: .network)
        let found = Finding(set.decidingRule(resource, right))
        let parts = resource.parts.map(\.text)
        guard parts.count == 3, ["127.0.0.1", "[::1]"].contains(parts[1]) else { return found }
        let named = Finding(
            set.decidingRule(Resource(kind: .network, parts: [parts[0], "localhost", parts[2]], extent: resource.extent), right))
        guard found.rule != nil else { return named }
        return named.rule != nil && named.effect < found.effect ? named : found
    }

    /// The place of a setting that is no rule, as rules are named.
    func stated(_ key: String, _ text: String) -> RuleReference {
        guard let origin = origins[key] else { return RuleReference(policy: name, file: "default", line: 0, text: text) }
        let policy = chain.first { $0.file == origin.file }?.name ?? name
        return RuleReference(policy: policy, file: origin.file, line: origin.position.line, text: text)
    }
}
