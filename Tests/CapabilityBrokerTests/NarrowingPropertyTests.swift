import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import SandboxPolicy
import Testing

/// Random policies and grants, checked twice: by the exact comparison of rules, and by trying every action of a small universe
/// against an oracle that knows nothing of rule sets.
struct NarrowingPropertyTests {
    static let cases = 3000

    @Test("allowed is exactly what the policy allows and a grant names") func exact() throws {
        var random = SeededGenerator(state: 2026)
        var (allowed, answered, leftOut, confined) = (0, 0, 0, 0)
        for number in 0..<Self.cases {
            let focus = Universe.focus(&random)
            let policy = try Universe.policy(&random, focus)
            let grants = try Universe.grants(&random, focus)
            let actions = Universe.actions.filter { focus.contains($0.resource.kind) }
            let narrow = policy.narrowed(to: grants)
            let sets = Dictionary(uniqueKeysWithValues: ResourceKind.allCases.map { ($0, narrow.ruleSet(of: $0)) })
            for action in actions {
                let before = Oracle.effect(policy, action)
                var expected = Oracle.isGranted(grants, action) && !Oracle.isLeftOut(grants, action) ? before : .deny
                if expected == .ask, Oracle.isAnswered(grants, action) {
                    expected = .allow
                    answered += 1
                }
                if Oracle.isLeftOut(grants, action) { leftOut += 1 }
                if expected == .allow { allowed += 1 }
                let found = sets[action.resource.kind]?.decidingRule(action.resource, action.rights[0])?.effect ?? .deny
                // An ask that hides a program, a variable or a call stays where nothing is granted, too.
                let isKept = found == .ask && expected == .deny && [.shell, .environment, .syscall].contains(action.resource.kind)
                #expect(
                    found == expected || isKept, "case \(number): \(action)\n\(policy.canonicalJSON)\n\(grants)\n\(narrow.canonicalJSON)")
                #expect(Oracle.effect(narrow, action) == found)
            }
            // The policy with every ask that has an answer answered is the bound.
            var bound = policy
            if grants.contains(where: { !$0.answered.isEmpty }) {
                for index in bound.rules.indices where bound.rules[index].effect == .ask { bound.rules[index].effect = .allow }
            }
            #expect(narrow.isSubset(of: bound), "case \(number): \(narrow.widenings(over: bound))")
            #expect(policy.narrowed(to: grants.shuffled(using: &random)).hash == narrow.hash)
            confined += try checkConfinement(policy, grants, narrow) ? 1 : 0
        }
        // A test of nothing would pass too.
        #expect(allowed > 1000 && answered > 50 && leftOut > 200 && confined > Self.cases / 2, "\((allowed, answered, leftOut, confined))")
    }

    /// Files of the workspace are exact; of the host, programs add theirs, so there it is: no more than before, and granted.
    private func checkConfinement(_ policy: ResolvedPolicy, _ grants: [CapabilityGrant], _ narrow: ResolvedPolicy) throws -> Bool {
        guard let before = try? policy.confinement(workspace: "/w", workspaceWritable: true) else { return false }
        let after: Confinement
        do {
            after = try narrow.confinement(workspace: "/w", workspaceWritable: true)
        } catch {
            // A yes to every port of a host may meet a port that is denied: that cannot be enforced, and the run stops.
            let isExpected = grants.contains { $0.answered.contains(.connect) }
            #expect(isExpected, "\(error)\n\(policy.canonicalJSON)\n\(grants)\n\(narrow.canonicalJSON)")
            return false
        }
        for action in Universe.actions where action.resource.kind == .filesystem {
            let isHost = action.resource.parts[0].text == "host"
            let path = (isHost ? "" : "/w") + action.resource.parts.dropFirst().map { "/" + $0.text }.joined()
            let has = Oracle.rights(after, at: path).contains(FileRights(action.rights[0]))
            if isHost {
                let isAnswered = Oracle.isAnswered(grants, action, programs: true)
                #expect(
                    !has || isAnswered || Oracle.rights(before, at: path).contains(FileRights(action.rights[0])),
                    "\(action)\n\(policy.canonicalJSON)\n\(grants)\n\(narrow.canonicalJSON)")
                #expect(!has || Oracle.isGranted(grants, action))
            } else {
                let runs =
                    action.rights[0] != .execute || !policy.rules.contains { $0.effect == .deny && $0.resource.description == "shell:*" }
                let isAllowed = runs && Oracle.effect(narrow, action) == .allow
                #expect(has == isAllowed, "\(action) \(after.grants) \(after.denials)")
            }
        }
        for endpoint in after.network.connect {
            let port = endpoint.port.map(String.init) ?? "*"
            let resource = try Resource.parse("network:tcp:\(endpoint.host):\(port)")
            #expect(grants.contains { $0.resource.covers(resource) && $0.rights.contains(.connect) })
        }
        let granted = Set(before.environment.pass).filter { name in grants.contains { $0.resource.description == "environment:\(name)" } }
        #expect(granted.isSubset(of: Set(after.environment.pass)))
        #expect(after.environment.pass.allSatisfy { name in grants.contains { $0.resource.description == "environment:\(name)" } })
        #expect(!after.maySpawn || grants.contains { $0.resource.description == "process:spawn" })
        #expect(after.limits == before.limits)
        return true
    }

    @Test("a child never has what its parent has not") func children() throws {
        var random = SeededGenerator(state: 42)
        var (allowed, narrower) = (0, 0)
        for number in 0..<Self.cases {
            let focus = Universe.focus(&random)
            let policy = try Universe.policy(&random, focus)
            let grants = try Universe.grants(&random, focus)
            let actions = Universe.actions.filter { focus.contains($0.resource.kind) }
            // The child's policy: the parent's with more denies. The child's grants: parts of the parent's.
            var childPolicy = policy
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let (resource, rights) = try Universe.pattern(&random, focus)
                let text = "\(resource)=\(CapabilityRight.inOrder(rights).map(\.rawValue).joined(separator: ","))"
                childPolicy = try childPolicy.adding(PolicyOverrides(deny: [text]))
            }
            var childGrants: [CapabilityGrant] = []
            for grant in grants {
                let (inside, _) = try Universe.pattern(&random, focus)
                var part = grant
                if grant.resource.covers(inside) { part.resource = inside }
                part.rights = grant.rights.filter { _ in random.chance(80) }
                if !part.rights.isEmpty, random.chance(80) { childGrants.append(part) }
            }
            let parent = policy.narrowed(to: grants)
            let child = childPolicy.narrowed(to: childGrants)
            // Holes of grants that the child does not have are missed by it, and nothing else may be.
            let leftOut = grants.flatMap(\.holes).isEmpty
            if leftOut { #expect(child.isSubset(of: parent), "case \(number): \(child.widenings(over: parent))") }
            for action in actions where Oracle.effect(child, action) == .allow {
                allowed += 1
                #expect(!leftOut || Oracle.effect(parent, action) == .allow, "case \(number): \(action)")
            }
            if !parent.isSubset(of: child) { narrower += 1 }
        }
        #expect(allowed > 1000 && narrower > Self.cases / 4, "\((allowed, narrower))")
    }
}
