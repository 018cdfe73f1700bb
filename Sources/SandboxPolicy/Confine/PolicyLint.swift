internal import CapabilityLanguage
internal import StrictJSON

/// Something in a valid policy that its author probably did not mean.
package struct LintFinding: Sendable, Equatable {
    package enum Kind: String, Sendable {
        case shadowed, unusedDeny = "unused-deny", broadWrite = "broad-write", secretPath = "secret-path"
        case secretVariable = "secret-variable", waived, missingReason = "missing-reason", missingExamples = "missing-examples"
        case failedExample = "failed-example", uselessSession = "useless-session"
    }
    package var kind: Kind
    /// `file:line`.
    package var location: String
    package var message: String
    package var mend: String

    package var description: String { printable("\(location): \(kind.rawValue): \(message); \(mend)") }
}

extension ResolvedPolicy {
    /// Findings about this policy's own document; inherited rules are its parents' business.
    package func lint() -> [LintFinding] {
        var findings: [LintFinding] = []
        for (index, rule) in rules.enumerated() where rule.reference.policy == name {
            findings += lintReach(rule, index) + lintPaths(rule)
            if rule.effect != .allow, rule.reference.because == nil {
                findings.append(
                    finding(
                        .missingReason, rule, "`\(rule.reference.text)` gives no reason",
                        "add `because: …`: it is shown whenever the rule refuses"))
            }
        }
        for variable in environment.pass where DangerousVariable.looksSecret(variable) {
            findings.append(
                LintFinding(
                    kind: .secretVariable, location: origins["environment.pass.\(variable)"]?.location ?? name,
                    message: "\(variable) looks like a secret or a socket of the host", mend: "pass secrets by descriptor: secret:<name>"))
        }
        for protection in waived.sorted() {
            findings.append(
                LintFinding(
                    kind: .waived, location: origins["waive"]?.location ?? name,
                    message: "`\(protection.rawValue)` may be missing without a word", mend: "waive only what this host cannot give"))
        }
        findings += sessionFindings()
        let effects = Set(examples.map(\.effect))
        if !effects.isSuperset(of: [.allow, .deny]) {
            findings.append(
                LintFinding(
                    kind: .missingExamples, location: "\(documentFile):1", message: "there are no examples of both allow and deny",
                    mend: "add `examples: {allow: […], deny: […]}`: they are checked whenever the policy is tested"))
        }
        for failure in failedExamples() {
            findings.append(
                LintFinding(
                    kind: .failedExample, location: "\(failure.file):\(failure.line)", message: failure.message, mend: failure.mend))
        }
        return findings
    }

    private func finding(_ kind: LintFinding.Kind, _ rule: PolicyRule, _ message: String, _ mend: String) -> LintFinding {
        LintFinding(kind: kind, location: rule.reference.location, message: message, mend: mend)
    }

    /// Rules that decide nothing: taking them away changes no decision.
    private func lintReach(_ rule: PolicyRule, _ index: Int) -> [LintFinding] {
        if rule.effect == .deny {
            // A deny below nothing still guards against later grants, so it is only worth a word when another deny covers it.
            let covering = rules.first {
                $0 != rule && $0.effect == .deny && $0.resource.covers(rule.resource) && Set($0.rights).isSuperset(of: rule.rights)
            }
            guard let covering else { return [] }
            return [
                finding(
                    .unusedDeny, rule, "`\(covering.reference.text)` at \(covering.reference.location) denies it already", "remove it")
            ]
        }
        if decidesNothing(index) {
            return [
                finding(
                    .shadowed, rule, "`\(rule.reference.text)` decides nothing: other rules say the same or outweigh it", "remove it")
            ]
        }
        return []
    }

    /// Whether every resource that the rule covers is decided alike without it. Tried at each resource that some rule names
    /// below it, and at an unnamed one below each: these stand for all.
    private func decidesNothing(_ index: Int) -> Bool {
        let rule = rules[index]
        let all = ruleSet(of: rule.resource.kind)
        var without = self
        without.rules.remove(at: index)
        let rest = without.ruleSet(of: rule.resource.kind)
        for node in all.places where node.starts(with: rule.resource.parts) {
            for strictlyBelow in [false, true] where rule.resource.covers(node, strictlyBelow: strictlyBelow) {
                let before = all.covering(node, strictlyBelow: strictlyBelow)
                let after = rest.covering(node, strictlyBelow: strictlyBelow)
                if rule.rights.contains(where: { before.effect($0) != after.effect($0) }) { return false }
            }
        }
        return true
    }

    private func lintPaths(_ rule: PolicyRule) -> [LintFinding] {
        guard rule.resource.kind == .filesystem, rule.effect != .deny, rule.resource.parts.first?.text == "host" else { return [] }
        let path = rule.resource.parts.dropFirst().map(\.text)
        var findings: [LintFinding] = []
        let isBroad =
            path.isEmpty || SensitivePaths.broad.contains(path.joined(separator: "/"))
            || path.count <= 2 && path.first == "home" || path == ["root"]
        if isBroad, rule.rights.contains(.write) || rule.rights.contains(.delete) {
            findings.append(
                finding(
                    .broadWrite, rule, "`\(rule.reference.text)` opens a whole system or home directory for writing",
                    "name the directory that is needed"))
        }
        if rule.rights.contains(.read), let secret = SensitivePaths.secret(reachedBy: path, isDenied: deniedPaths()) {
            findings.append(finding(.secretPath, rule, "`\(rule.reference.text)` makes \(secret) readable", "deny it, or grant less"))
        }
        return findings
    }

    /// Tells whether a rule denies to read a path of the host.
    private func deniedPaths() -> ([String]) -> Bool {
        let files = ruleSet(of: .filesystem)
        return { path in
            files.decidingRule(Resource(kind: .filesystem, parts: ["host"] + path, extent: .exact), .read)?.effect == .deny
        }
    }
}
