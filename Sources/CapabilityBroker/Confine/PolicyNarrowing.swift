internal import CapabilityLanguage
internal import LibOSModel
package import SandboxPolicy
internal import StrictJSON

extension ResolvedPolicy {
    /// This policy for one action: it allows exactly what it allowed before AND some grant names.
    ///
    /// - Rules that allow or ask are cut down to the grants. Every deny stays, and so does an ask that takes something away (of a
    ///   program, a variable, a system call); the grants' holes become denials. An ask that a grant has an answer for becomes an allow.
    /// - A grant of a program also lets its file be read and executed, where the policy's file rules do.
    /// - Variables are passed when a grant names them. Fixed variables, the filter and waived protections stay as they are.
    /// - Limits stay, or become smaller when `limits` says so; they are never raised.
    ///
    /// The order of the grants does not matter: equal grants make equal policies with equal hashes.
    package func narrowed(to grants: [CapabilityGrant], limits lower: [LimitName: UInt64] = [:]) -> ResolvedPolicy {
        let wanted = GrantSet(grants, for: self)
        var result = self
        result.rules = rules.filter { $0.effect == .deny } + wanted.denials + narrowedRules(wanted)
        result.statedEnvironment.pass = environment.pass.filter { wanted.covers(variable: $0) }
        for (name, value) in lower { result.limits[name] = min(limits[name], value) }
        // They promise what the whole policy does, and their places are the document's.
        result.examples = []
        result.isRootPreset = false
        return result
    }

    /// What the policy allows by itself, as grants: for tools whose manifest brings a policy of its own, such as the system's
    /// programs and libraries.
    package var standingGrants: [CapabilityGrant] {
        var result: [CapabilityGrant] = []
        for kind in ResourceKind.allCases {
            let set = ruleSet(of: kind)
            for rule in set.rules where rule.effect == .allow {
                let rights = rule.rights.filter { set.decidingRule(rule.resource, $0)?.effect == .allow }
                if !rights.isEmpty { result.append(CapabilityGrant(resource: rule.resource, rights: Set(rights))) }
            }
        }
        result += environment.pass.map { CapabilityGrant(resource: .variable($0), rights: [.read]) }
        return result
    }

    /// Every rule that is no deny, cut to the grants.
    ///
    /// Two patterns are disjoint or one lies in the other, so a rule and a grant meet in one of the two. A cut rule may be as narrow
    /// as another one that it used to yield to; of equally narrow rules the later one decides, so the rules stand in the order of
    /// their precedence here, and each place is decided by the same rule as before.
    private func narrowedRules(_ wanted: GrantSet) -> [PolicyRule] {
        var result: [PolicyRule] = []
        for rule in rulesByPrecedence {
            var cuts: [Resource: Set<CapabilityRight>] = [:]
            for grant in wanted.grants where grant.resource.kind == rule.resource.kind {
                let rights = grant.rights.intersection(rule.rights)
                guard !rights.isEmpty, let common = rule.resource.intersection(grant.resource) else { continue }
                for part in common.singleOrMembers { cuts[part, default: []].formUnion(rights) }
            }
            if rule.takesAway, isInForce(rule), !rule.rights.allSatisfy({ wanted.answers($0, on: rule.resource) }) { result.append(rule) }
            for (resource, rights) in cuts.sorted(by: { utf8Precedes($0.key.orderingText, $1.key.orderingText) }) {
                let answered = rights.filter { rule.effect == .ask && wanted.answers($0, on: resource) }
                result += [(rule.effect, rights.subtracting(answered)), (.allow, answered)].compactMap { effect, rights in
                    rights.isEmpty ? nil : rule.cut(to: resource, effect, CapabilityRight.inOrder(rights))
                }
            }
        }
        return result.withoutOverridden()
    }

    /// Whether the rule decides for some right at the place that it names.
    private func isInForce(_ rule: PolicyRule) -> Bool {
        // Added calls and refused ones are two lists, and the refused ones win: precedence counts for nothing.
        if rule.resource.kind == .syscall { return true }
        let covering = ruleSet(of: rule.resource.kind).covering(rule.resource.parts, strictlyBelow: rule.resource.extent == .members)
        return rule.rights.contains { covering.decidingRule($0)?.effect == rule.effect }
    }

    private var rulesByPrecedence: [PolicyRule] {
        let order = rules.indices.filter { rules[$0].effect != .deny }
            .sorted { (rules[$0].resource.specificity, $0) < (rules[$1].resource.specificity, $1) }
        return order.map { rules[$0] }
    }
}

/// The grants of one action, with what they mean besides their own words.
private struct GrantSet {
    var grants: [CapabilityGrant]
    var denials: [PolicyRule] = []

    init(_ given: [CapabilityGrant], for policy: ResolvedPolicy) {
        grants = given.map { grant in
            var grant = grant
            grant.resource = grant.resource.asGranted
            return grant
        }
        for grant in grants where grant.resource.kind == .shell && grant.rights.contains(.execute) {
            for path in policy.programPaths(grant.resource) {
                let file = Resource(kind: .filesystem, parts: ["host"] + path.map(\.text), extent: .tree)
                grants.append(CapabilityGrant(resource: file, rights: [.read, .execute], capabilities: grant.capabilities))
            }
        }
        var holes: Set<AuthorityHole> = []
        for grant in grants { holes.formUnion(grant.holes) }
        let ordered = holes.sorted {
            ($0.resource.orderingText, $0.right, $0.capability) < ($1.resource.orderingText, $1.right, $1.capability)
        }
        denials = ordered.map(Self.denial)
    }

    private static func denial(_ hole: AuthorityHole) -> PolicyRule {
        PolicyRule(
            effect: .deny, resource: hole.resource, rights: [hole.right],
            reference: RuleReference(
                policy: "capabilities", file: hole.capability.text, line: 0,
                text: PolicyRule.text(.deny, hole.resource, [hole.right]), because: "the process may not, or must ask first"))
    }

    func covers(variable name: String) -> Bool {
        grants.contains { $0.rights.contains(.read) && $0.resource.covers(.variable(name)) }
    }

    func answers(_ right: CapabilityRight, on resource: Resource) -> Bool {
        grants.contains { $0.answered.contains(right) && $0.rights.contains(right) && $0.resource.covers(resource) }
    }
}

extension PolicyRule {
    /// Whether the rule is an `ask` that hides what something else gives: a program in a directory that runs, a fixed variable, a
    /// call of the base filter. Such a rule is a restriction and stays whole, like a deny.
    fileprivate var takesAway: Bool {
        guard effect == .ask else { return false }
        switch resource.kind {
        case .shell, .environment, .syscall: return true
        default: return false
        }
    }

    fileprivate func cut(to resource: Resource, _ effect: Effect, _ rights: [CapabilityRight]) -> PolicyRule {
        var rule = self
        rule.effect = effect
        rule.resource = resource
        rule.rights = rights
        // The rule's own place had to be there; a narrower one that an action names may be absent, and the tool will see that.
        if resource != self.resource, resource.kind == .filesystem { rule.optional = true }
        rule.reference.text = PolicyRule.text(effect, resource, rights)
        return rule
    }
}

extension [PolicyRule] {
    /// Without what a later rule for the very same place overrides: it decides nothing, and would look like a hole in wider rules.
    fileprivate func withoutOverridden() -> [PolicyRule] {
        var decided: [Resource: Set<CapabilityRight>] = [:]
        var kept: [PolicyRule] = []
        for rule in reversed() {
            var rule = rule
            if rule.resource.kind != .syscall {
                rule.rights.removeAll { decided[rule.resource]?.contains($0) ?? false }
                if rule.rights.isEmpty { continue }
                decided[rule.resource, default: []].formUnion(rule.rights)
                rule.reference.text = PolicyRule.text(rule.effect, rule.resource, rule.rights)
            }
            kept.append(rule)
        }
        return kept.reversed()
    }
}

extension Resource {
    fileprivate static func variable(_ name: String) -> Resource { Resource(kind: .environment, parts: [name], extent: .exact) }

    /// What two patterns have in common: the narrower one, or nothing.
    func intersection(_ other: Resource) -> Resource? {
        if covers(other) { return other }
        return other.covers(self) ? self : nil
    }

    /// A tree of the runtime's as its two halves. `kind:a/*` counts as narrower than `kind:a:*` although it is wider, and a rule cut
    /// to the former must not gain by that; halves order as they lie in one another. Kinds of the kernel's have one form at a place.
    fileprivate var singleOrMembers: [Resource] {
        guard extent == .tree, !kind.hasOperatingSystemRight else { return [self] }
        return [Extent.exact, .members].map { extent in
            var half = self
            half.extent = extent
            return half
        }
    }

    /// Different for different patterns, also where the normal form is the same.
    fileprivate var orderingText: String { "\(description) \(specificity)" }
}
