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
    /// How many of the names did not exist.
    var absentCount = 0
    /// Real paths of the directories that were looked at: as long as none of them changes, all of this holds. Nil when that is not all
    /// that it comes from.
    var places: [String]?

    /// Looked at for every launch, not once per plan: a name may have come or gone since.
    init(_ denials: [PathDenial], within grants: [SandboxPlan.ResolvedGrant]) throws(LaunchError) {
        var walk = Walk()
        var taken: [[UInt8]: (path: String, rights: FileRights)] = [:] // several rules may take from one name
        real.reserveCapacity(denials.count)
        for denial in denials {
            let found: Walk.Found
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
            if !found.existing { absentCount += 1 }
            // The names of the links that lead there stay denied too: made again, one would lead elsewhere.
            if !found.path.isSamePath(as: denial.path) { real.append(denial) }
            for link in found.links where !link.isSamePath(as: denial.path) && Self.isWritable(link, grants) {
                resolved.path = link
                if !real.contains(resolved) { real.append(resolved) } // names below one link share it
            }
            // Most names are not there; only for the others it matters whether a grant would show them.
            guard found.existing,
                grants.contains(where: { found.path.isSamePath(as: $0.path) || $0.subtree && found.path.isAtOrBelow($0.path) })
            else { continue }
            taken[Array(found.path.utf8), default: (found.path, [])].rights.formUnion(denial.rights)
        }
        places = walk.places
        covers = taken.values.map { Self.cover($0.path, $0.rights) }
        // A cover inside a masked directory has no target any more; parents first, so that a read-only tree can hold masks.
        let masked = covers.filter { $0.kind == .mask }.map { $0.target }
        covers = covers.filter { cover in !masked.contains { !cover.target.isSamePath(as: $0) && cover.target.isAtOrBelow($0) } }
            .sorted { $0.target.precedesAsPath($1.target) }
    }

    /// A link that nobody can exchange needs no denial.
    private static func isWritable(_ link: String, _ grants: [SandboxPlan.ResolvedGrant]) -> Bool {
        let place = link.parentPath
        return grants.contains { !$0.rights.isDisjoint(with: [.write, .delete]) && $0.subtree && place.isAtOrBelow($0.path) }
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
        /// Where a name leads.
        struct Found {
            var existing = true
            /// The real path of the deepest part that exists, with the rest appended as it is.
            var path: String
            /// The links that lead there, by their own real paths: the name itself when it is one, then those on the way from it, and the
            /// directories that one of them goes into and leaves again by `..`.
            var links: [String] = []
        }

        private enum Directory {
            case real(String, links: [String])
            case absent(String)
        }
        private var known = PathSet()
        /// What each of them is, in the same order.
        private var directories: [Directory] = []
        /// A link led to a name that was left to the kernel.
        private var isTraceable = true
        /// Where links stand that lead to those.
        private var linkPlaces: [String] = []

        /// All that was looked at, by real paths; nil when something else was as well.
        var places: [String]? {
            guard isTraceable else { return nil }
            return linkPlaces
                + directories.compactMap { directory in
                    if case .real(let path, _) = directory { path } else { nil }
                }
        }

        /// What small directories hold: most denied names do not exist, and one look shows it for all of them.
        private var held: [(directory: String, names: HeldNames?)] = []

        /// Follows links to the end, also to one that leads to nothing: what would then be made is the name that is denied.
        mutating func resolve(_ path: String) throws(SystemError) -> Found {
            var found = Found(path: path)
            var next = path
            for _ in 0..<40 {
                let name = next.lastPathComponent
                if name == "." || name == ".." { // only where a link says so
                    isTraceable = false
                    do throws(SystemError) {
                        let place = try HostPath.resolve(next)
                        found.path = place.real
                        found.links += place.links.map(\.place) + place.left
                    } catch {
                        guard error.errno == ENOENT || error.errno == ENOTDIR else { throw error }
                        found.existing = false
                    }
                    return found
                }
                let place: String
                switch try directory(next.parentPath) {
                case .absent(let parent):
                    found.existing = false
                    found.path = parent + "/" + name
                    return found
                case .real(let parent, let links):
                    found.links += links
                    place = (parent == "/" ? "" : parent) + "/" + name
                    if isAbsent(name, in: parent) {
                        found.existing = false
                        found.path = place
                        return found
                    }
                }
                guard let text = try link(at: place, &found) else { return found }
                found.links.append(place)
                next = text.utf8.first == UInt8(ascii: "/") ? text : place.parentPath + "/" + text
                while next.utf8.count > 1, next.utf8.last == UInt8(ascii: "/") { next.removeLast() }
            }
            throw SystemError(errno: ELOOP, operation: "resolve", object: path)
        }

        private mutating func isAbsent(_ name: String, in directory: String) -> Bool {
            if let known = held.first(where: { $0.directory.isSamePath(as: directory) }) { return known.names?.lacks(name) ?? false }
            let names = HeldNames(directory: directory)
            held.append((directory, names))
            return names?.lacks(name) ?? false
        }

        /// What the link says that stands there. Nil when `found` is complete: it is no link, or nothing is there.
        private func link(at place: String, _ found: inout Found) throws(SystemError) -> String? {
            found.path = place
            do throws(SystemError) {
                guard try FileIdentity.of(path: place, followingLink: false).isSymbolicLink else { return nil }
                return try HostPath.readLink(place)
            } catch {
                guard error.errno == ENOENT || error.errno == ENOTDIR else { throw error }
                found.existing = false
                return nil
            }
        }

        private mutating func directory(_ path: String) throws(SystemError) -> Directory {
            if let place = known.index(of: path) { return directories[place] }
            let found: Directory
            do throws(SystemError) {
                let place = try HostPath.resolve(path)
                let passed = place.links.map(\.place) + place.left
                found = .real(place.real, links: passed)
                linkPlaces += passed.map(\.parentPath)
            } catch {
                guard error.errno == ENOENT || error.errno == ENOTDIR, path != "/" else { throw error }
                found = .absent(try resolve(path).path)
            }
            if !known.contains(path) { // links may have led here meanwhile
                known.insert(path)
                directories.append(found)
            }
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
