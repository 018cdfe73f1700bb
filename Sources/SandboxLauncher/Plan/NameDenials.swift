internal import Glibc
internal import LinuxPrimitives
internal import SandboxPolicy

/// The denied names as the host has them at this launch: what exists is covered by a mount, what does not is refused when
/// somebody tries to make it.
struct NameDenials: Sendable {
    /// Mount entries for the names that exist.
    var covers: [MountEntry] = []
    /// Every denial, its path without links (a link on the way would make the name match nothing).
    var real: [PathDenial] = []

    /// Looked at for every launch, not once per plan: a name may have come or gone since.
    init(_ denials: [PathDenial], within grants: [SandboxPlan.ResolvedGrant]) throws(LaunchError) {
        var covered: Set<String> = []
        for denial in denials {
            let (existing, path) = try Self.resolve(denial)
            var resolved = denial
            resolved.path = path
            real.append(resolved)
            if path != denial.path { real.append(denial) } // the link's own name stays denied too
            guard existing, grants.contains(where: { path.isAtOrBelow($0.path) && $0.subtree }) else { continue }
            let masks = denial.rights.contains(.read)
            guard covered.insert(path).inserted else { continue }
            covers.append(MountEntry(kind: masks ? .mask : .readOnly, target: path))
        }
        // A cover inside a masked directory has no target any more; parents first, so that a read-only tree can hold masks.
        let masked = covers.filter { $0.kind == .mask }.map(\.target)
        covers = covers.filter { cover in !masked.contains { cover.target != $0 && cover.target.isAtOrBelow($0) } }
            .sorted { $0.target < $1.target }
    }

    /// The real path of the deepest part that exists, with the rest appended as it is.
    private static func resolve(_ denial: PathDenial) throws(LaunchError) -> (existing: Bool, path: String) {
        var existing = denial.path
        var rest: [String] = []
        while true {
            do {
                let host = try HostPath.resolve(existing)
                let path = ([host.real == "/" ? "" : host.real] + rest.reversed()).joined(separator: "/")
                return (rest.isEmpty, path)
            } catch {
                guard error.errno == ENOENT || error.errno == ENOTDIR, existing != "/" else {
                    throw LaunchError(
                        .path, "\(denial.rule.location): \(denial.path) is denied, but what stands there cannot be told (\(error.symbol))",
                        mend: "check the permissions on the way to it, and that its links form no circle")
                }
                rest.append(existing.lastPathComponent)
                existing = existing.parentPath
            }
        }
    }
}

extension NameDenials {
    /// The denial that covers a path for any of these rights.
    func denial(of path: String, for rights: FileRights) -> PathDenial? {
        real.first { denial in
            !denial.rights.isDisjoint(with: rights) && (path == denial.path || (denial.subtree && path.isAtOrBelow(denial.path)))
        }
    }

    /// A denial for something below a path: moving a filled directory there would bring denied names into being.
    func denialBelow(_ path: String) -> PathDenial? {
        real.first { $0.path != path && $0.path.isAtOrBelow(path) }
    }
}
