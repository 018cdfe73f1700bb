internal import CapabilityLanguage
internal import StrictJSON

/// The confinement of a policy for every workspace that lies apart from the paths its rules name.
///
/// Deriving a confinement is most of what a policy costs. It depends on the workspace only through the paths: as long as no host
/// rule names a directory above the workspace or something inside it, rules of the workspace and rules of the host never meet, and
/// the result for one workspace is the result for another with the paths exchanged.
package struct ConfinementTemplate: Sendable, Equatable {
    /// Everything but grants and denials.
    package private(set) var common: Confinement
    /// Paths that host rules name: what lies above or below one of them is derived, not filled in.
    var hostPlaces: [String]
    /// Whether a run without a workspace has names denied in the directory that would be one.
    var deniesInWorkspace: Bool
    var withoutWorkspace: Paths
    var writable: Paths
    var readOnly: Paths

    /// Grants and denials, those of the host apart from those of the workspace. Paths of the latter lack the workspace's own.
    struct Paths: Sendable, Equatable {
        var hostGrants: [PathGrant] = []
        var workspaceGrants: [PathGrant] = []
        var hostDenials: [PathDenial] = []
        var workspaceDenials: [PathDenial] = []
        var hostStanding: [PathDenial] = []
        var workspaceStanding: [PathDenial] = []
    }

    /// Stands for a workspace while the template is made.
    private static let standIn = "/.glovebox/workspace"

    /// Nil for a policy whose confinement cannot be filled in: one with rules about programs, which search directories, one that
    /// denies variables or addresses, which the launch looks up, or one that names what lies above every workspace.
    package init?(_ policy: ResolvedPolicy) throws(PolicyError) {
        let host = policy.rules.filter { $0.resource.kind == .filesystem && $0.resource.parts.first?.text != "workspace" }
        guard !policy.rules.contains(where: { $0.resource.kind == .shell }) else { return nil }
        hostPlaces = host.map { "/" + $0.resource.parts.dropFirst().map(\.text).joined(separator: "/") }
        guard Self.isApart(Self.standIn, from: hostPlaces) else { return nil }
        common = try policy.confinement(workspace: nil, workspaceWritable: false)
        let environment = common.environment
        guard environment.denials.isEmpty, environment.withheld.isEmpty, common.network.denied.isEmpty, common.deniedPrograms.isEmpty else {
            return nil
        }
        deniesInWorkspace = policy.rules.contains {
            $0.effect != .allow && $0.resource.kind == .filesystem && $0.resource.parts.first?.text == "workspace"
        }
        withoutWorkspace = Paths(hostGrants: common.grants, hostDenials: common.denials, hostStanding: common.standingDenials)
        writable = try Self.paths(policy, writable: true)
        readOnly = try Self.paths(policy, writable: false)
        (common.grants, common.denials, common.standingDenials) = ([], [], [])
    }

    init(
        common: Confinement, hostPlaces: [String], deniesInWorkspace: Bool, withoutWorkspace: Paths, writable: Paths, readOnly: Paths
    ) {
        self.common = common
        self.hostPlaces = hostPlaces
        self.deniesInWorkspace = deniesInWorkspace
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
        (paths.workspaceDenials, paths.hostDenials) = apart(confinement.denials)
        (paths.workspaceStanding, paths.hostStanding) = apart(confinement.standingDenials)
        return paths
    }

    private static func apart(_ denials: [PathDenial]) -> (workspace: [PathDenial], host: [PathDenial]) {
        var (workspace, host): ([PathDenial], [PathDenial]) = ([], [])
        for var denial in denials {
            if let rest = tail(of: denial.path) {
                denial.path = rest
                workspace.append(denial)
            } else {
                host.append(denial)
            }
        }
        return (workspace, host)
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
            if deniesInWorkspace { return nil }
            result.grants = withoutWorkspace.hostGrants
            result.denials = withoutWorkspace.hostDenials
            result.standingDenials = withoutWorkspace.hostStanding
            return result
        }
        guard Self.isUsable(workspace: workspace), Self.isApart(workspace, from: hostPlaces) else { return nil }
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
        result.denials = Self.merged(paths.hostDenials, paths.workspaceDenials, below: workspace, key)
        result.standingDenials = Self.merged(paths.hostStanding, paths.workspaceStanding, below: workspace, key)
        result.workspace = own.isEmpty ? nil : workspace
        return result
    }

    private static func merged(
        _ host: [PathDenial], _ relative: [PathDenial], below workspace: String, _ key: [UInt8]
    ) -> [PathDenial] {
        if relative.isEmpty { return host }
        let moved = relative.map { denial in
            var moved = denial
            moved.path = workspace + denial.path
            return moved
        }
        var result = host
        result.insert(contentsOf: moved, at: place(of: key, in: host.map(\.path)))
        return result
    }

    /// Whether a path can be a workspace as far as its text tells, in the form that no derivation would change.
    private static func isUsable(workspace path: String) -> Bool {
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
