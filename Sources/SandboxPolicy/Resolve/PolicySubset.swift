internal import CapabilityLanguage
internal import StrictJSON

/// One thing that a policy allows and another does not.
package struct Widening: Sendable, Equatable {
    /// Sentence without a place: `allows write on filesystem:workspace:src/*, the other denies it`.
    package var message: String
    /// Rule that allows it, when a rule does.
    package var rule: PolicyRule?
    /// Key into `origins` when a setting does.
    package var setting: String?
}

extension ResolvedPolicy {
    /// Whether everything that this policy allows is allowed by the other too, and everything that asks is at least asked there: the
    /// proof that what is granted to a child is a part of what its parent has. Says no when unsure: system calls are compared by
    /// the names as written, groups are not opened; a deny that reaches across kinds or spaces has to be there again.
    package func isSubset(of other: ResolvedPolicy) -> Bool { widenings(over: other, atMost: 1).isEmpty }

    /// What this policy allows beyond the other, capabilities first.
    package func widenings(over other: ResolvedPolicy, atMost most: Int = 64) -> [Widening] {
        var result = capabilityWidenings(over: other, atMost: most)
        result += lostDenials(of: other)
        for name in LimitName.allCases where limits[name] > other.limits[name] {
            result.append(
                Widening(
                    message: "raises the limit `\(name.rawValue)` from \(name.text(other.limits[name])) to \(name.text(limits[name]))",
                    setting: "limits.\(name.rawValue)"))
        }
        result += environmentWidenings(over: other) + syscallWidenings(over: other)
        for protection in waived.subtracting(other.waived).sorted() {
            result.append(Widening(message: "waives `\(protection.rawValue)`", setting: "waive"))
        }
        if askWidth > other.askWidth {
            result.append(Widening(message: askSentence, setting: Self.askSetting))
        }
        result += sessionWidenings(over: other)
        return Array(result.prefix(most))
    }

    /// Exact for the rules. Patterns form a tree, so every action behaves like one of finitely many: a resource that some rule
    /// names, or an unmentioned name right below one. Those are tried, for every right.
    private func capabilityWidenings(over other: ResolvedPolicy, atMost most: Int) -> [Widening] {
        var result: [Widening] = []
        for kind in ResourceKind.allCases {
            let mine = ruleSet(of: kind)
            guard mine.rules.contains(where: { $0.effect != .deny }) else { continue }
            let theirs = other.ruleSet(of: kind)
            let nodes = Set(mine.places).union(theirs.places).sortedAsTree()
            for node in nodes {
                for strictlyBelow in [false, true] {
                    let cell = Cell(kind: kind, path: node, strictlyBelow: strictlyBelow)
                    // A rule is named once, at the widest place where it shows.
                    guard let found = cell.widening(mine, over: theirs) else { continue }
                    if result.contains(where: { $0.rule == found.rule }) { continue }
                    result.append(found)
                    if result.count >= most { return result }
                }
            }
        }
        return result
    }

    /// Actions that every rule in question treats alike: one named resource, or the unnamed ones right below it.
    private struct Cell {
        let kind: ResourceKind
        let path: [ResourcePart]
        let strictlyBelow: Bool

        func widening(_ mine: RuleSet, over theirs: RuleSet) -> Widening? {
            let (mine, theirs) = (
                mine.covering(path, strictlyBelow: strictlyBelow), theirs.covering(path, strictlyBelow: strictlyBelow)
            )
            var raised: [CapabilityRight] = []
            var found: (rule: PolicyRule, theirs: Effect)?
            for right in kind.rights {
                guard let rule = mine.decidingRule(right) else { continue }
                let other = theirs.effect(right)
                guard rule.effect > other else { continue }
                raised.append(right)
                if found == nil { found = (rule, other) }
            }
            guard let found else { return nil }
            let resource = Resource(kind: kind, parts: path.map(\.text), extent: strictlyBelow ? .members : .exact)
            let verb = found.rule.effect == .allow ? "allows" : "asks for"
            let state = found.theirs == .ask ? "must be asked for" : "is not allowed"
            let names = raised.map(\.rawValue).joined(separator: ", ")
            return Widening(message: "\(verb) \(names) on \(resource.placeText), which \(state)", rule: found.rule)
        }
    }

    /// Denies of the other that keep something away which this policy gives under another name: a program in a directory that may
    /// be executed, a file of the workspace below a path of the host, an address behind a name, a variable that a caller sets.
    private func lostDenials(of other: ResolvedPolicy) -> [Widening] {
        func gives(_ kind: ResourceKind, _ matches: (PolicyRule) -> Bool = { _ in true }) -> Bool {
            rules.contains { $0.effect != .deny && $0.resource.kind == kind && matches($0) }
        }
        var result: [Widening] = []
        for rule in other.rules where rule.effect == .deny {
            let mayReach =
                switch rule.resource.kind {
                case .shell: gives(.shell) || gives(.filesystem) { $0.rights.contains(.execute) }
                case .filesystem:
                    gives(.filesystem) {
                        $0.resource.parts.first != rule.resource.parts.first && !Set($0.rights).isDisjoint(with: rule.rights)
                    }
                case .network: gives(.network) { $0.resource.parts.first?.text == "tcp" }
                case .environment: true
                default: false
                }
            guard mayReach else { continue }
            let mine = ruleSet(of: rule.resource.kind)
            // The same deny or a wider one.
            let isKept = rule.rights.allSatisfy { right in
                mine.rules.contains { $0.effect == .deny && $0.rights.contains(right) && $0.resource.covers(rule.resource) }
            }
            if !isKept { result.append(Widening(message: "no longer denies \(rule.resource)")) }
        }
        return result
    }

    private var askSentence: String {
        askChannel == .any
            ? "counts an MCP client's answer to every question"
            : "counts an MCP client's answer to questions about what does not lead out of the workspace"
    }

    private func environmentWidenings(over other: ResolvedPolicy) -> [Widening] {
        let mine = environment
        let theirs = other.environment
        var result: [Widening] = []
        for name in mine.pass where !theirs.pass.contains(name) {
            result.append(Widening(message: "passes the variable \(name)", setting: "environment.pass.\(name)"))
        }
        for (name, value) in mine.set.sorted(by: { utf8Precedes($0.key, $1.key) }) where theirs.set[name] != value {
            result.append(
                Widening(
                    message: (theirs.set[name] == nil ? "sets" : "changes") + " the variable \(name)", setting: "environment.set.\(name)"))
        }
        return result
    }

    private func syscallWidenings(over other: ResolvedPolicy) -> [Widening] {
        let mine = syscalls
        let theirs = other.syscalls
        var result: [Widening] = []
        if mine.base != theirs.base, theirs.base != PolicyKeys.syscallBases.first {
            result.append(Widening(message: "uses the wider base `\(mine.base)`", setting: "syscalls.base"))
        }
        for name in mine.allow where !theirs.allow.contains(name) {
            result.append(Widening(message: "allows the system call \(name)", setting: "syscalls.allow.\(name)"))
        }
        for name in theirs.deny where !mine.deny.contains(name) {
            result.append(Widening(message: "no longer refuses the system call \(name)", setting: "syscalls.deny.\(name)"))
        }
        return result
    }
}

extension Resource {
    /// For sentences: `everything below filesystem:workspace:src`, or the resource.
    var placeText: String {
        guard extent == .members else { return description }
        if parts.isEmpty { return "\(kind.rawValue) resources that no rule names" }
        return "names below " + Resource(kind: kind, parts: parts.map(\.text), extent: .exact).description
    }
}
