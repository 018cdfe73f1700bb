/// The confinement of a policy for every workspace that lies apart from the paths its rules name.
///
/// Deriving a confinement is most of what a policy costs. It depends on the workspace only through the paths: as long as no host
/// rule names a directory above the workspace or something inside it, rules of the workspace and rules of the host never meet, and
/// the result for one workspace is the result for another with the paths exchanged.
package struct ConfinementTemplate: Sendable, Equatable {
    /// Everything but grants and denials.
    var common: Confinement
    /// Paths that host rules name: what lies above or below one of them is derived, not filled in.
    var hostPlaces: [String]
    var withoutWorkspace: Paths
    var writable: Paths
    var readOnly: Paths

    /// Grants and denials, those of the host apart from those of the workspace. Paths of the latter lack the workspace's own.
    struct Paths: Sendable, Equatable {
        var hostGrants: [PathGrant] = []
        var workspaceGrants: [PathGrant] = []
        var hostDenials: [PathDenial] = []
        var workspaceDenials: [PathDenial] = []
    }

    /// Stands for a workspace while the template is made.
    private static let standIn = "/.glovebox/workspace"

    /// Nil for a policy whose confinement cannot be filled in: one with rules about programs, which search directories, or one that
    /// names what lies above every workspace.
    package init?(_ policy: ResolvedPolicy) throws(PolicyError) {
        let host = policy.rules.filter { $0.resource.kind == .filesystem && $0.resource.parts.first?.text != "workspace" }
        guard !policy.rules.contains(where: { $0.resource.kind == .shell }) else { return nil }
        hostPlaces = host.map { "/" + $0.resource.parts.dropFirst().map(\.text).joined(separator: "/") }
        guard Self.isApart(Self.standIn, from: hostPlaces) else { return nil }
        common = try policy.confinement(workspace: nil, workspaceWritable: false)
        withoutWorkspace = Paths(hostGrants: common.grants, hostDenials: common.denials)
        writable = try Self.paths(policy, writable: true)
        readOnly = try Self.paths(policy, writable: false)
        (common.grants, common.denials) = ([], [])
    }

    init(common: Confinement, hostPlaces: [String], withoutWorkspace: Paths, writable: Paths, readOnly: Paths) {
        self.common = common
        self.hostPlaces = hostPlaces
        self.withoutWorkspace = withoutWorkspace
        self.writable = writable
        self.readOnly = readOnly
    }

    private static func paths(_ policy: ResolvedPolicy, writable: Bool) throws(PolicyError) -> Paths {
        let confinement = try policy.confinement(workspace: standIn, workspaceWritable: writable)
        var paths = Paths()
        for var grant in confinement.grants {
            if let rest = tail(of: grant.path) {
                grant.path = rest
                paths.workspaceGrants.append(grant)
            } else {
                paths.hostGrants.append(grant)
            }
        }
        for var denial in confinement.denials {
            if let rest = tail(of: denial.path) {
                denial.path = rest
                paths.workspaceDenials.append(denial)
            } else {
                paths.hostDenials.append(denial)
            }
        }
        return paths
    }

    /// What follows the stand-in: empty, or from a slash on.
    private static func tail(of path: String) -> String? {
        guard path.utf8.starts(with: standIn.utf8) else { return nil }
        let rest = path.utf8.dropFirst(standIn.utf8.count)
        guard rest.isEmpty || rest.first == UInt8(ascii: "/") else { return nil }
        return String(decoding: rest, as: UTF8.self)
    }

    // MARK: - Filling in

    /// The same as `ResolvedPolicy.confinement`; nil when only that can tell.
    package func confinement(workspace: String?, workspaceWritable: Bool) -> Confinement? {
        var result = common
        guard let workspace else {
            (result.grants, result.denials) = (withoutWorkspace.hostGrants, withoutWorkspace.hostDenials)
            return result
        }
        guard FileDerivation.isUsable(workspace: workspace), Self.isApart(workspace, from: hostPlaces) else { return nil }
        let paths = workspaceWritable ? writable : readOnly
        // The workspace's paths are neighbours in the order of the tree, since nothing of the host's lies among them.
        let key = Self.treeKey(workspace)
        let own = paths.workspaceGrants.map { grant in
            var moved = grant
            moved.path = workspace + grant.path
            return moved
        }
        result.grants = paths.hostGrants
        result.grants.insert(contentsOf: own, at: Self.place(of: key, in: paths.hostGrants.map(\.path)))
        let denied = paths.workspaceDenials.map { denial in
            var moved = denial
            moved.path = workspace + denial.path
            return moved
        }
        result.denials = paths.hostDenials
        result.denials.insert(contentsOf: denied, at: Self.place(of: key, in: paths.hostDenials.map(\.path)))
        result.workspace = own.isEmpty ? nil : workspace
        return result
    }

    /// Neither is the other, lies in it, or holds it.
    private static func isApart(_ path: String, from places: [String]) -> Bool {
        let key = treeKey(path)
        return places.allSatisfy { place in
            let other = treeKey(place)
            return !key.starts(with: other) && !other.starts(with: key)
        }
    }

    private static func place(of key: [UInt8], in paths: [String]) -> Int {
        paths.firstIndex { key.lexicographicallyPrecedes(treeKey($0)) } ?? paths.count
    }

    /// Names that each end in NUL: sorts parents before children and names by their bytes, as the derivation does.
    private static func treeKey(_ path: String) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(path.utf8.count + 1)
        for byte in path.utf8 where byte != UInt8(ascii: "/") || !key.isEmpty { key.append(byte == UInt8(ascii: "/") ? 0 : byte) }
        if !key.isEmpty { key.append(0) }
        return key
    }
}
