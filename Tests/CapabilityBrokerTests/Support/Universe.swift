import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import SandboxPolicy

/// A small world in which every action can be tried: resources that share beginnings, nest, and only look alike.
enum Universe {
    static let actions: [PolicyAction] = {
        var actions: [PolicyAction] = []
        func add(_ texts: [String], _ rights: [CapabilityRight]) {
            for text in texts {
                guard var resource = try? Resource.parse(text) else { continue }
                if resource.kind == .filesystem { resource.extent = .exact }
                actions += rights.map { PolicyAction(resource: resource, rights: [$0]) }
            }
        }
        add(
            files.map { "filesystem:workspace:\($0)" } + ["filesystem:workspace:*"] + hostFiles.map { "filesystem:host:\($0)" },
            [.read, .write, .delete, .execute])
        add(["shell:git", "shell:/usr/bin/git", "shell:/opt/git", "shell:gitk", "shell:ls", "process:spawn"], [.execute])
        add(["network:tcp:h:1", "network:tcp:h:2", "network:tcp:hh:1", "network:loopback"], [.connect])
        add(["network:listen:80"], [.listen])
        add(variables.map { "environment:\($0)" } + ["secret:s"], [.read])
        add(["object:a", "object:a/b", "object:a:b", "object:a/b/c", "object:a/b:c", "object:ab"], [.read, .write])
        add(["device:/dev/kvm", "device:/dev/snd", "device:/dev/snd/c"], [.read])
        add(["syscall:ptrace", "syscall:@debug"], [.execute])
        return actions
    }()

    static let files = ["a", "a/b", "a/b/c", "a/b/c/d", "a2", "A", "d", "d/e", ".env"]
    static let hostFiles = ["/usr", "/usr/bin", "/usr/bin/git", "/usr/bin/gitk", "/usr/bin2", "/usr/local/bin/git", "/etc"]
    static let variables = ["LANG", "LANGUAGE", "TZ"]

    /// Patterns for rules and grants, with the rights that they may have.
    static let patterns: [(kind: ResourceKind, text: String, rights: [CapabilityRight])] = texts.compactMap { text, rights in
        (try? Resource.parse(text)).map { ($0.kind, text, rights) }
    }

    private static let texts: [(String, [CapabilityRight])] =
        (files.map { "filesystem:workspace:\($0)" } + ["filesystem:workspace:*"] + hostFiles.map { "filesystem:host:\($0)" })
        .map { ($0, [.read, .write, .delete, .execute]) }
        + ["shell:git", "shell:/usr/bin/git", "shell:ls", "process:spawn"].map { ($0, [.execute]) }
        + ["network:tcp:h:1", "network:tcp:h:*", "network:tcp:hh:1", "network:loopback"].map { ($0, [.connect]) }
        + [("network:listen:80", [.listen]), ("secret:s", [.read])]
        + variables.map { ("environment:\($0)", [.read]) }
        + ["object:a", "object:a/*", "object:a:*", "object:a/b", "object:a/b/*", "object:a/b:*", "object:*"].map { ($0, [.read, .write]) }
        + ["device:/dev/kvm", "device:/dev/snd"].map { ($0, [.read]) } + ["syscall:ptrace", "syscall:@debug"].map { ($0, [.execute]) }

    /// Kinds that one case is about: rules of few kinds meet more often.
    static func focus(_ random: inout SeededGenerator) -> Set<ResourceKind> {
        random.pick([
            [.filesystem], [.filesystem], [.filesystem, .shell], [.object], [.network, .process],
            [.environment, .syscall, .secret, .device],
            Set(ResourceKind.allCases),
        ])
    }

    static func pattern(
        _ random: inout SeededGenerator, _ focus: Set<ResourceKind>
    ) throws -> (resource: Resource, rights: Set<CapabilityRight>) {
        let chosen = random.pick(patterns.filter { focus.contains($0.kind) })
        var rights = Set(chosen.rights.filter { _ in random.chance(60) })
        if rights.isEmpty { rights = [random.pick(chosen.rights)] }
        return (try Resource.parse(chosen.text), rights)
    }

    static func policy(_ random: inout SeededGenerator, _ focus: Set<ResourceKind>) throws -> ResolvedPolicy {
        var text = "version: 1\nname: t\nenvironment: {pass: [\(variables.filter { _ in random.chance(50) }.joined(separator: ", "))]}\n"
        text += "limits: {wall: \(Int.random(in: 1...100, using: &random))s}\ncapabilities:\n"
        for _ in 0..<Int.random(in: 1...12, using: &random) {
            let (resource, rights) = try pattern(&random, focus)
            let effect = random.pick([Effect.allow, .allow, .allow, .ask, .deny])
            text += "  - " + PolicyRule.policyLine(effect, resource, CapabilityRight.inOrder(rights)) + "\n"
        }
        return try PolicyLoader.load(Array(text.utf8), fileName: "t.yaml") { _ in throw Unreadable() }
    }

    static func grants(_ random: inout SeededGenerator, _ focus: Set<ResourceKind>) throws -> [CapabilityGrant] {
        try (0..<Int.random(in: 0...5, using: &random)).map { _ in
            let (resource, rights) = try pattern(&random, focus)
            var grant = CapabilityGrant(resource: resource, rights: rights)
            if random.chance(20) { grant.answered = rights.filter { _ in random.chance(50) } }
            if resource.kind == .filesystem, random.chance(30) {
                let hole = try Resource.parse("filesystem:workspace:" + random.pick(files))
                if resource.covers(hole), hole != resource, let right = rights.min() {
                    grant.holes = [AuthorityHole(resource: hole, right: right, capability: CapabilityID.new())]
                }
            }
            return grant
        }
    }
}

/// What rules mean, worked out one by one without the rule set: the oracle of these tests.
enum Oracle {
    static func effect(_ policy: ResolvedPolicy, _ action: PolicyAction) -> Effect {
        var best: (specificity: Int, effect: Effect)?
        for rule in policy.rules where rule.rights.contains(action.rights[0]) && rule.resource.covers(action.resource) {
            if rule.effect == .deny { return .deny }
            if rule.resource.specificity >= best?.specificity ?? 0 { best = (rule.resource.specificity, rule.effect) }
        }
        return best?.effect ?? .deny
    }

    static func isGranted(_ grants: [CapabilityGrant], _ action: PolicyAction) -> Bool {
        grants.contains { covers($0, action) }
    }

    static func isAnswered(_ grants: [CapabilityGrant], _ action: PolicyAction, programs: Bool = false) -> Bool {
        grants.contains { grant in
            let isSaid = grant.answered.contains(programs && grant.resource.kind == .shell ? .execute : action.rights[0])
            return isSaid && covers(grant, action, programs: programs)
        }
    }

    static func isLeftOut(_ grants: [CapabilityGrant], _ action: PolicyAction) -> Bool {
        grants.flatMap(\.holes).contains { $0.right == action.rights[0] && $0.resource.covers(action.resource) }
    }

    private static func covers(_ grant: CapabilityGrant, _ action: PolicyAction, programs: Bool = true) -> Bool {
        if grant.rights.contains(action.rights[0]), grant.resource.covers(action.resource) { return true }
        // A program's own file.
        guard programs, grant.resource.kind == .shell, action.resource.kind == .filesystem, action.resource.parts.first?.text == "host",
            [.read, .execute].contains(action.rights[0]), let name = grant.resource.parts.first?.text
        else { return false }
        let path = "/" + action.resource.parts.dropFirst().map(\.text).joined(separator: "/")
        if grant.resource.extent == .exact { return path == grant.resource.parts.last?.text }
        return ["/usr/local/sbin/", "/usr/local/bin/", "/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"].contains { $0 + name == path }
    }

    /// Rights of a path inside, from the confinement alone.
    static func rights(_ confinement: Confinement, at path: String) -> FileRights {
        var rights: FileRights = []
        let steps = path.split(separator: "/").reduce(into: ["/"]) { $0.append(($0.last == "/" ? "/" : ($0.last ?? "") + "/") + $1) }
        for step in steps {
            for grant in confinement.grants where grant.path == step && (grant.subtree || step == path) {
                rights = grant.rights
            }
            for denial in confinement.denials where denial.path == step { rights.subtract(denial.rights) }
        }
        return rights
    }
}
