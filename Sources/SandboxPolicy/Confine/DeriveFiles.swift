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
    let workspace: [ResourcePart]?
    let workspaceWritable: Bool
    /// `deny shell:*`: nothing may be executed.
    let nothingRuns: PolicyRule?

    /// Reason of the denials that come of `ask`.
    static let askReason = "ask needs somebody to answer, and a sealed run has nobody"
    static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// - Parameter search: the fixed PATH of the tool; nil for the default.
    init(policy: ResolvedPolicy, search: String?, workspace: String?, workspaceWritable: Bool) throws(PolicyError) {
        var root: [ResourcePart]?
        if let workspace { root = try Self.workspaceParts(workspace) }
        var rules: [PolicyRule] = []
        for rule in policy.rules where rule.resource.kind == .filesystem {
            var translated = rule
            if rule.resource.parts.first?.text == "workspace" {
                guard let root else { continue }
                translated.resource.parts = root + rule.resource.parts.dropFirst()
            } else {
                translated.resource.parts = Array(rule.resource.parts.dropFirst())
            }
            rules.append(translated)
        }
        set = RuleSet(.filesystem, rules)
        self.policy = policy
        self.search = search ?? Self.defaultPath
        self.workspace = root
        self.workspaceWritable = workspaceWritable
        nothingRuns = policy.rules.first { $0.resource.kind == .shell && $0.resource.parts.isEmpty && $0.effect == .deny }
    }

    private static func workspaceParts(_ path: String) throws(PolicyError) -> [ResourcePart] {
        func refuse(_ message: String) -> PolicyError {
            PolicyError(
                file: ResolvedPolicy.commandLine, message: "the workspace `\(path)` \(message)",
                mend: "name a directory by its absolute path")
        }
        guard path.utf8.first == UInt8(ascii: "/") else { throw refuse("is not absolute") }
        if path.unicodeScalars.contains(where: isDangerousToPrint) { throw refuse("holds control characters") }
        // Bytes, not characters: `/` with a combining mark is a separator for the kernel.
        let parts = path.utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
        if parts.contains("..") || parts.contains(".") { throw refuse("holds `.` or `..`") }
        if parts.isEmpty { throw refuse("is the root of the file system") }
        return parts.map(ResourcePart.init)
    }

    /// Whether a path can be a workspace as far as its text tells, in the form that no derivation would change.
    static func isUsable(workspace path: String) -> Bool {
        guard path.utf8.first == UInt8(ascii: "/"), !path.unicodeScalars.contains(where: isDangerousToPrint) else { return false }
        // Each name is there and is neither `.` nor `..`.
        var length = 0
        var dots = 0
        for byte in path.utf8.dropFirst() {
            if byte == UInt8(ascii: "/") {
                if length == 0 || (dots == length && length <= 2) { return false }
                (length, dots) = (0, 0)
            } else {
                length += 1
                if byte == UInt8(ascii: ".") { dots += 1 }
            }
        }
        return length > 0 && !(dots == length && length <= 2)
    }

    func derive() -> (grants: [PathGrant], denials: [PathDenial]) {
        var nodes = Set(set.places)
        if let workspace { nodes.insert(workspace) }
        let sorted = nodes.sortedAsTree()
        var rightsAt: [[ResourcePart]: FileRights] = [:]
        rightsAt.reserveCapacity(sorted.count)
        var grants: [PathGrant] = []
        var denials: [PathDenial] = []
        for node in sorted {
            let covering = set.covering(node)
            let above = inherited(node, rightsAt)
            let rights = effective(node, covering)
            rightsAt[node] = rights
            let added = rights.subtracting(above)
            let removed = above.subtracting(rights)
            // The workspace is always a grant of its own: its files keep their owner.
            if !added.isEmpty || (node == workspace && !rights.isEmpty) {
                grants.append(
                    PathGrant(
                        path: text(node), rights: rights, subtree: true, isWorkspace: isInWorkspace(node), optional: isOptional(node),
                        rule: grantRule(covering, added.isEmpty ? rights : added)))
            }
            if !removed.isEmpty {
                denials.append(PathDenial(path: text(node), subtree: true, rights: removed, rule: denialRule(covering, removed)))
            }
        }
        addPrograms(&grants, &denials, rightsAt)
        return (grants, denials)
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
        if isInWorkspace(node), !workspaceWritable { rights.subtract([.write, .delete]) }
        if nothingRuns != nil { rights.remove(.execute) }
        return rights
    }

    private func isInWorkspace(_ node: [ResourcePart]) -> Bool { workspace.map { node.starts(with: $0) } ?? false }

    private func text(_ node: [ResourcePart]) -> String { "/" + node.map(\.text).joined(separator: "/") }

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

    /// `shell` rules name programs; an allow adds the file where no directory grant has it, a deny or an ask hides it.
    private func addPrograms(_ grants: inout [PathGrant], _ denials: inout [PathDenial], _ rightsAt: [[ResourcePart]: FileRights]) {
        let programs = policy.ruleSet(of: .shell)
        // The nodes came in order; programs may go between them.
        if programs.rules.isEmpty { return }
        let directories = search.utf8.split(separator: UInt8(ascii: ":")).map(Self.parts)
        for rule in programs.rules where !rule.resource.parts.isEmpty {
            let deciding = programs.decidingRule(rule.resource, .execute)
            for node in programPaths(rule.resource, directories) {
                let path = text(node)
                let held = rightsAt[node] ?? inherited(node, rightsAt)
                if rule.effect == .allow {
                    let covering = set.covering(node)
                    let isRefused = [CapabilityRight.read, .execute].contains {
                        (covering.decidingRule($0)?.effect ?? .allow) != .allow
                    }
                    if deciding?.effect != .allow || held.contains(.execute) || isRefused || nothingRuns != nil { continue }
                    if grants.contains(where: { $0.path == path }) { continue }
                    grants.append(
                        PathGrant(
                            path: path, rights: held.union([.read, .execute]), subtree: false, isWorkspace: isInWorkspace(node),
                            optional: rule.resource.extent == .tree, rule: rule.reference))
                } else if deciding?.effect != .allow, held.contains(.execute), !denials.contains(where: { $0.path == path }) {
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

    /// The file of an absolute rule; a bare name in each of the directories.
    private func programPaths(_ resource: Resource, _ directories: [[ResourcePart]]) -> [[ResourcePart]] {
        guard let name = resource.parts.first else { return [] }
        if resource.extent == .exact, let path = resource.parts.last { return [Self.parts(path.text.utf8[...])] }
        return directories.map { $0 + [name] }
    }

    private static func parts(_ path: Substring.UTF8View) -> [ResourcePart] {
        path.split(separator: UInt8(ascii: "/")).map { ResourcePart(String(decoding: $0, as: UTF8.self)) }
    }
}
