internal import CapabilityLanguage
internal import LibOSModel
internal import SandboxPolicy

/// Decides one right on one resource from one subject's records, and asks the policy for its word.
struct RightEvaluation {
    let authority: SubjectAuthority
    let context: ActionContext
    let policy: ResolvedPolicy?

    func decide(_ resource: Resource, _ right: CapabilityRight) -> RightDecision {
        var decision = decideByRecords(resource, right)
        guard decision.effect != .deny, let policy, let word = policy.word(on: resource, right) else { return decision }
        switch word.effect {
        case .allow: break
        case .ask where decision.effect == .allow && decision.answersPolicy: break
        case .ask where decision.effect == .ask: decision.answersPolicy = false
        case .ask, .deny:
            decision.effect = word.effect
            decision.cause = .policy(word)
            decision.answersPolicy = false
        }
        return decision
    }

    private func decideByRecords(_ resource: Resource, _ right: CapabilityRight) -> RightDecision {
        guard let held = authority[resource.kind] else { return Self.unheld(resource, right) }
        var lowest: RightDecision?
        var matched: Set<Int> = []
        for cell in resource.ownCells {
            let covering = held.rules.covering(cell.path, strictlyBelow: cell.strictlyBelow)
            matched.formUnion(covering.matchingIndices(right))
            let found = verdict(held, covering.decidingIndex(right), resource, right)
            if found.effect < lowest?.effect ?? .allow || lowest == nil { lowest = found }
        }
        guard var decision = lowest else { return Self.unheld(resource, right) }
        decision.matched = matched.sorted().map { held.records[$0].id }
        if decision.effect != .deny, !held.restricted.isEmpty { lookInside(held, &decision) }
        return decision
    }

    private static func unheld(_ resource: Resource, _ right: CapabilityRight) -> RightDecision {
        RightDecision(
            resource: resource, right: right, effect: .deny, cause: .noRecord, matched: [], selected: nil, issuers: [], constraints: [],
            isCounted: false, answersPolicy: false, holes: [])
    }

    private func verdict(
        _ held: SubjectAuthority.Holdings, _ index: Int?, _ resource: Resource, _ right: CapabilityRight
    ) -> RightDecision {
        var decision = Self.unheld(resource, right)
        guard let index else { return decision }
        let record = held.records[index]
        decision.selected = record.id
        decision.issuers = held.chains[index]
        decision.constraints = record.constraintResults(for: context)
        guard decision.constraints.allSatisfy(\.isMet) else {
            // Also where a deny decides: what is left of it is a denial all the same.
            decision.cause = record.effect == .deny ? .record : .constraint
            return decision
        }
        decision.effect = record.effect
        decision.cause = .record
        decision.isCounted = record.usesRemaining != nil
        decision.answersPolicy = record.effect == .allow && record.constraints.actionHash != nil && decision.isCounted
        return decision
    }

    /// What narrower records say about places inside the resource. A file tree is granted without them; of anything else the
    /// kernel could not leave a part out, so there the lowest word counts for the whole.
    private func lookInside(_ held: SubjectAuthority.Holdings, _ decision: inout RightDecision) {
        for cell in held.cells(inside: decision.resource, of: held.restricted) {
            guard let index = held.decider(cell, decision.right) else { continue }
            let record = held.records[index]
            let inner = verdict(held, index, decision.resource, decision.right)
            // A counted record would be used without being taken off.
            if inner.effect == .allow, record.id == decision.selected || !inner.isCounted { continue }
            let place = decision.resource.resource(of: cell)
            if decision.resource.kind == .filesystem {
                decision.holes.append(AuthorityHole(resource: place, right: decision.right, capability: record.id))
            } else {
                var lower = inner
                if inner.effect == .allow { lower.effect = .deny }
                guard lower.effect < decision.effect else { continue }
                lower.matched = decision.matched + (decision.matched.contains(record.id) ? [] : [record.id])
                lower.cause = .inside(place)
                lower.answersPolicy = false
                decision = lower
            }
        }
    }
}

extension ResolvedPolicy {
    /// The policy's decision on one right, nil when it has no say: a resource that only libOS calls use concerns it when a rule
    /// names it, and otherwise not.
    func word(on resource: Resource, _ right: CapabilityRight) -> Decision? {
        let action = PolicyAction(resource: resource, rights: [right])
        if !resource.hasOperatingSystemRight {
            guard ruleSet(of: resource.kind).decidingRule(resource, right) != nil else { return nil }
            return decide(action)
        }
        let decision = decide(action)
        guard resource.kind == .shell, decision.rule == nil else { return decision }
        return word(onFilesOf: resource) ?? decision
    }

    /// A policy may let programs run by their directory instead of by name; the best of the places where the program may lie.
    private func word(onFilesOf program: Resource) -> Decision? {
        let set = ruleSet(of: .filesystem)
        var best: Decision?
        for path in programPaths(program) {
            let file = Resource(kind: .filesystem, parts: ["host"] + path.map(\.text), extent: .tree)
            guard set.decidingRule(file, .execute) != nil else { continue }
            let decision = decide(PolicyAction(resource: file, rights: [.read, .execute]))
            if decision.effect > best?.effect ?? .deny || best == nil { best = decision }
        }
        return best
    }
}

extension Resource {
    /// A single process or an object is no matter of the kernel's.
    var hasOperatingSystemRight: Bool {
        guard kind == .process, let name = parts.first?.text else { return kind.hasOperatingSystemRight }
        return name == "spawn"
    }
}
