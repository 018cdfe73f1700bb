internal import CapabilityLanguage
internal import StrictJSON

/// Grants and denials by path.
///
/// Workspace rules and host rules may speak of one file under two names, so all of them are first written as absolute paths.
/// Then every path that a rule names is decided, parents first: what it has beyond its parent is a grant, what it lacks is a
/// denial.
struct FileDerivation {
    let set: RuleSet
    let policy: ResolvedPolicy
    /// PATH inside.
    let search: String
    let workspace: Place?
    /// Of `shell` rules.
    let programs: RuleSet
    /// `deny shell:*`: nothing may be executed.
    let nothingRuns: PolicyRule?

    /// Reason of the denials that come of `ask`.
    static let askReason = "ask needs somebody to answer, and a sealed run has nobody"

    /// - Parameter search: the fixed PATH of the tool; nil for the default.
    init(policy: ResolvedPolicy, search: String?, workspace: Place?) {
        var rules: [PolicyRule] = []
        for rule in policy.rules where rule.resource.kind == .filesystem {
            var translated = rule
            if rule.resource.parts.first?.text == "workspace" {
                guard let workspace, workspace.takes(rule) else { continue }
                translated.resource.parts = workspace.parts + rule.resource.parts.dropFirst()
            } else {
                translated.resource.parts = Array(rule.resource.parts.dropFirst())
            }
            rules.append(translated)
        }
        set = RuleSet(.filesystem, rules)
        self.policy = policy
        self.search = search ?? EnvironmentRules.defaultPath
        self.workspace = workspace
        programs = policy.ruleSet(of: .shell)
        nothingRuns = policy.rules.first { $0.resource.kind == .shell && $0.resource.parts.isEmpty && $0.effect == .deny }
    }

    func derive() -> (grants: [PathGrant], denials: [PathDenial], standing: [PathDenial]) {
        var nodes = Set(set.places)
        if let workspace, workspace.isGranted { nodes.insert(workspace.parts) }
        let sorted = nodes.sortedAsTree()
        var rightsAt: [[ResourcePart]: FileRights] = [:]
        rightsAt.reserveCapacity(sorted.count)
        var grants: [PathGrant] = []
        var denials: [PathDenial] = []
        var standing: [PathDenial] = []
        for node in sorted {
            let covering = set.covering(node)
            let above = inherited(node, rightsAt)
            let rights = effective(node, covering)
            rightsAt[node] = rights
            let added = rights.subtracting(above)
            let removed = above.subtracting(rights)
            // The workspace is always a grant of its own: its files keep their owner.
            if !added.isEmpty || (isWorkspace(node) && !rights.isEmpty) {
                grants.append(
                    PathGrant(
                        path: text(node), rights: rights, subtree: true, isWorkspace: isInWorkspace(node), optional: isOptional(node),
                        rule: grantRule(covering, added.isEmpty ? rights : added)))
            }
            if !removed.isEmpty {
                denials.append(PathDenial(path: text(node), subtree: true, rights: removed, rule: denialRule(covering, removed)))
            }
            if rights.isEmpty, above.isEmpty, let denial = standingDenial(node) { standing.append(denial) }
        }
        addPrograms(&grants, &denials, rightsAt)
        return (grants, denials, standing)
    }

    /// Rights of the nearest named directory above.
    private func inherited(_ node: [ResourcePart], _ rightsAt: [[ResourcePart]: FileRights]) -> FileRights {
        var path = node
        while !path.isEmpty {
            path.removeLast()
            if let rights = rightsAt[path] { return rights }
        }
        return []
    }

    private func effective(_ node: [ResourcePart], _ covering: RuleSet.Covering) -> FileRights {
        var rights = FileRights(ResourceKind.filesystem.rights.filter { covering.effect($0) == .allow })
        if isInWorkspace(node), workspace?.isWritable == false { rights.subtract([.write, .delete]) }
        if nothingRuns != nil { rights.remove(.execute) }
        return rights
    }

    private func isWorkspace(_ node: [ResourcePart]) -> Bool { workspace.map { $0.isGranted && node == $0.parts } ?? false }

    private func isInWorkspace(_ node: [ResourcePart]) -> Bool {
        workspace.map { $0.isGranted && node.starts(with: $0.parts) } ?? false
    }

    func text(_ node: [ResourcePart]) -> String { "/" + node.map(\.text).joined(separator: "/") }

    /// Optional only when every rule that allows this very path says so.
    private func isOptional(_ node: [ResourcePart]) -> Bool {
        let here = set.rules(at: node).filter { $0.effect == .allow }
        return !here.isEmpty && here.allSatisfy(\.optional)
    }

    private func grantRule(_ covering: RuleSet.Covering, _ rights: FileRights) -> RuleReference {
        for right in ResourceKind.filesystem.rights where rights.contains(FileRights(right)) {
            if let rule = covering.decidingRule(right), rule.effect == .allow { return rule.reference }
        }
        return RuleReference(policy: policy.name, file: policy.chain.last?.file ?? "", line: 0, text: "no rule")
    }

    private func denialRule(_ covering: RuleSet.Covering, _ rights: FileRights) -> RuleReference {
        for right in ResourceKind.filesystem.rights where rights.contains(FileRights(right)) {
            guard let rule = covering.decidingRule(right), rule.effect != .allow else { continue }
            return Self.refusal(rule)
        }
        if let nothingRuns, rights == .execute { return nothingRuns.reference }
        return RuleReference(
            policy: ResolvedPolicy.commandLine, file: ResolvedPolicy.commandLine, line: 0, text: "workspace opened read-only")
    }

    static func refusal(_ rule: PolicyRule) -> RuleReference {
        var reference = rule.reference
        if rule.effect == .ask { reference.because = askReason }
        return reference
    }

    // MARK: programs

    /// `shell` rules name programs; an allow adds the file where no directory grant has it. A deny or an ask hides it, readable or
    /// executable: what can be read can be copied to where it runs.
    private func addPrograms(_ grants: inout [PathGrant], _ denials: inout [PathDenial], _ rightsAt: [[ResourcePart]: FileRights]) {
        // The nodes came in order; programs may go between them.
        if programs.rules.isEmpty { return }
        for rule in programs.rules where !rule.resource.parts.isEmpty {
            let deciding = programs.decidingRule(rule.resource, .execute)
            for node in programPaths(rule.resource) {
                let path = text(node)
                let held = rightsAt[node] ?? inherited(node, rightsAt)
                if rule.effect == .allow {
                    let covering = set.covering(node)
                    if deciding?.effect != .allow || held.contains(.execute) || isRefused(covering) { continue }
                    if grants.contains(where: { $0.path.utf8.elementsEqual(path.utf8) }) { continue }
                    grants.append(
                        PathGrant(
                            path: path, rights: held.union([.read, .execute]), subtree: false, isWorkspace: isInWorkspace(node),
                            optional: rule.resource.extent == .tree, rule: rule.reference))
                } else if deciding?.effect != .allow, !held.isEmpty, !denials.contains(where: { $0.path.utf8.elementsEqual(path.utf8) }) {
                    denials.append(PathDenial(path: path, subtree: true, rights: .all, rule: Self.refusal(rule)))
                }
            }
        }
        grants.sort { Self.precedes($0.path, $1.path) }
        denials.sort { Self.precedes($0.path, $1.path) }
    }

    private static func precedes(_ a: String, _ b: String) -> Bool {
        a.utf8.split(separator: 0x2F).lexicographicallyPrecedes(b.utf8.split(separator: 0x2F)) { $0.lexicographicallyPrecedes($1) }
    }

    /// Whether what the rules say of a file keeps an allowed program from being run.
    func isRefused(_ covering: RuleSet.Covering) -> Bool {
        nothingRuns != nil || [CapabilityRight.read, .execute].contains { (covering.decidingRule($0)?.effect ?? .allow) != .allow }
    }

    /// The file of an absolute rule; a bare name in each directory of PATH.
    func programPaths(_ resource: Resource) -> [[ResourcePart]] { ResolvedPolicy.programPaths(resource, search: search) }
}
