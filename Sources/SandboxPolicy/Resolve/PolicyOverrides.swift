internal import CapabilityLanguage
internal import StrictJSON

/// What an operator says on the command line for one run. It may widen, because the operator says so; it never outweighs a deny.
package struct PolicyOverrides: Sendable, Equatable {
    /// `RESOURCE=RIGHT[,RIGHT…]`, or a resource alone when it has one right.
    package var allow: [String]
    /// As `allow`; a resource alone means all its rights.
    package var deny: [String]
    /// Values that replace the policy's.
    package var limits: [LimitName: UInt64]

    package init(allow: [String] = [], deny: [String] = [], limits: [LimitName: UInt64] = [:]) {
        self.allow = allow
        self.deny = deny
        self.limits = limits
    }

    package var isEmpty: Bool { allow.isEmpty && deny.isEmpty && limits.isEmpty }
}

extension ResolvedPolicy {
    /// Place that stands for the operator's words.
    package static let commandLine = "command line"

    /// The policy with the operator's words added as its last rules.
    package func adding(_ overrides: PolicyOverrides) throws(PolicyError) -> ResolvedPolicy {
        if overrides.isEmpty { return self }
        var result = self
        for text in overrides.deny { result.rules.append(try Self.rule(.deny, text, option: "--deny")) }
        for text in overrides.allow {
            let rule = try Self.rule(.allow, text, option: "--allow")
            for right in rule.rights {
                if let blocking = result.ruleSet(of: rule.resource.kind).decidingRule(rule.resource, right), blocking.effect == .deny {
                    throw PolicyError(
                        file: Self.commandLine,
                        message: "--allow \(text) has no effect: \(blocking.reference.text) at \(blocking.reference.location) denies it",
                        mend: "a deny outweighs every allow; change the policy")
                }
            }
            result.rules.append(rule)
        }
        for (name, value) in overrides.limits {
            if value == 0 || value > UInt64(Int64.max) {
                throw PolicyError(
                    file: Self.commandLine, message: "the limit `\(name.rawValue)` is \(value)", mend: "give a positive number")
            }
            result.limits[name] = value
            result.origins["limits.\(name.rawValue)"] = PolicyOrigin(file: Self.commandLine, position: SourcePosition(line: 0, column: 0))
        }
        if result.chain.last?.name != Self.commandLine {
            result.chain.append(PolicyLink(name: Self.commandLine, file: Self.commandLine))
        }
        return result
    }

    private static func rule(_ effect: Effect, _ text: String, option: String) throws(PolicyError) -> PolicyRule {
        do throws(ResourceProblem) {
            let resource: Resource
            let rights: [CapabilityRight]
            if let equals = text.lastIndex(of: "=") {
                resource = try Resource.parse(String(text[..<equals]))
                let names = text[text.index(after: equals)...].split(separator: ",", omittingEmptySubsequences: false).map(String.init)
                rights = try PolicyRule.rights(named: names, effect: effect, resource: resource)
            } else {
                resource = try Resource.parse(text)
                rights = try PolicyRule.rights(named: nil, effect: effect, resource: resource)
            }
            if let problem = PolicyRule.widthProblem(effect, resource) { throw problem }
            let reference = RuleReference(
                policy: commandLine, file: commandLine, line: 0, text: PolicyRule.text(effect, resource, rights))
            return PolicyRule(effect: effect, resource: resource, rights: rights, reference: reference)
        } catch {
            throw PolicyError(file: commandLine, message: "\(option) \(text): \(error.message)", mend: error.mend)
        }
    }
}
