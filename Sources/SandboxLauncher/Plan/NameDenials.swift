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
        var walk = Walk()
        var taken: [String: FileRights] = [:] // several rules may take from one name
        real.reserveCapacity(denials.count)
        for denial in denials {
            let found: (existing: Bool, path: String)
            do {
                found = try walk.resolve(denial.path)
            } catch {
                throw LaunchError(
                    .path, "\(denial.rule.location): \(denial.path) is denied, but what stands there cannot be told (\(error.symbol))",
                    mend: "check the permissions on the way to it, and that its links form no circle")
            }
            var resolved = denial
            resolved.path = found.path
            real.append(resolved)
            if found.path != denial.path { real.append(denial) } // the link's own name stays denied too
            let isGranted = grants.contains { found.path.isSamePath(as: $0.path) || $0.subtree && found.path.isAtOrBelow($0.path) }
            guard found.existing, isGranted else { continue }
            taken[found.path, default: []].formUnion(denial.rights)
        }
        covers = taken.map { Self.cover($0.key, $0.value) }
        // A cover inside a masked directory has no target any more; parents first, so that a read-only tree can hold masks.
        let masked = covers.filter { $0.kind == .mask }.map(\.target)
        covers = covers.filter { cover in !masked.contains { cover.target != $0 && cover.target.isAtOrBelow($0) } }
            .sorted { $0.target < $1.target }
    }

    /// Denials outside of every grant as it is written which hold all the same: the path, or a grant, leads through a link.
    ///
    /// Only what the grants would give counts; in the sandbox's own directories the same names mean nothing of the host.
    static func standing(_ denials: [PathDenial], within grants: [(real: String, rights: FileRights)]) -> [PathDenial] {
        var walk = Walk()
        return denials.filter { denial in
            let place: String
            do throws(SystemError) {
                place = try walk.resolve(denial.path).path
            } catch {
                // Where this user may not look, nothing can be granted either. What else cannot be told stays a denial, and
                // stops the launch.
                return error.errno != EACCES && error.errno != ELOOP
            }
            return grants.contains { grant in
                !grant.rights.isDisjoint(with: denial.rights)
                    && (place.isAtOrBelow(grant.real) || denial.subtree && grant.real.isAtOrBelow(place))
            }
        }
    }

    /// Without reading there is nothing to see; otherwise what is taken is writing (and deleting), running, or both.
    private static func cover(_ path: String, _ rights: FileRights) -> MountEntry {
        if rights.contains(.read) { return MountEntry(kind: .mask, target: path) }
        let readOnly = !rights.isDisjoint(with: [.write, .delete])
        return MountEntry(kind: .restrict, target: path, readOnly: readOnly, noExec: rights.contains(.execute))
    }

    /// Resolves many names that share their directories: a directory is walked once.
    private struct Walk {
        private enum Directory {
            case real(String)
            case absent(String)
        }
        private var directories: [String: Directory] = [:]

        /// The real path of the deepest part that exists, with the rest appended as it is.
        mutating func resolve(_ path: String) throws(SystemError) -> (existing: Bool, path: String) {
            let name = path.lastPathComponent
            switch try directory(path.parentPath) {
            case .absent(let parent): return (false, parent + "/" + name)
            case .real(let parent):
                let place = (parent == "/" ? "" : parent) + "/" + name
                do throws(SystemError) {
                    let identity = try FileIdentity.of(path: place, followingLink: false)
                    guard identity.isSymbolicLink else { return (true, place) }
                    return (true, try HostPath.resolve(place).real)
                } catch {
                    guard error.errno == ENOENT || error.errno == ENOTDIR else { throw error }
                    return (false, place)
                }
            }
        }

        private mutating func directory(_ path: String) throws(SystemError) -> Directory {
            if let known = directories[path] { return known }
            let found: Directory
            do throws(SystemError) {
                found = .real(try HostPath.resolve(path).real)
            } catch {
                guard error.errno == ENOENT || error.errno == ENOTDIR, path != "/" else { throw error }
                found = .absent(try resolve(path).path)
            }
            directories[path] = found
            return found
        }
    }
}

extension NameDenials {
    /// The denial that covers a path for any of these rights. Letter case does not count: on a file system that folds it `.GIT`
    /// is `.git`, and on others nobody needs the difference.
    func denial(of path: String, for rights: FileRights) -> PathDenial? {
        let folded = path.foldingASCIICase
        return real.first { denial in
            guard !denial.rights.isDisjoint(with: rights) else { return false }
            let denied = denial.path.foldingASCIICase
            return folded.isSamePath(as: denied) || (denial.subtree && folded.isAtOrBelow(denied))
        }
    }

    /// Whether something stood at the denial's path when the sandbox was built, so that a mount covers it.
    func isCovered(_ denial: PathDenial) -> Bool { covers.contains { denial.path.isAtOrBelow($0.target) } }

    /// A denial for something below a path: moving a filled directory there would bring denied names into being.
    func denialBelow(_ path: String) -> PathDenial? {
        let folded = path.foldingASCIICase
        return real.first {
            let denied = $0.path.foldingASCIICase
            return !denied.isSamePath(as: folded) && denied.isAtOrBelow(folded)
        }
    }
}
