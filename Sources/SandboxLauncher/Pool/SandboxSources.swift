internal import Glibc
internal import LinuxPrimitives

/// What a sandbox was built from, as the host had it then. A sandbox that waits does not follow the host: a file that took another
/// one's name is not in it, and a cover goes with the file that it covers.
struct SandboxSources: Sendable {
    private struct Source: Sendable {
        let path: String
        /// Nil: nothing was there.
        let seen: Seen?
        /// A covered name: also what was done to the file counts, since a name that was taken from it and given back is not covered.
        let isCovered: Bool
    }

    private struct Seen: Sendable, Equatable {
        let device: UInt64
        let inode: UInt64
        let bornNanoseconds: Int64
        let changedNanoseconds: Int64
        /// As whom a tool would work on it.
        let owner: BindSource.Owner
    }

    private var sources: [Source] = []

    /// Sources that stand in one directory: while that is unchanged, their names lead to the same files.
    private struct Group: Sendable {
        let directory: String
        /// Nil when its times do not tell (`DirectoryRecord`).
        let seen: Seen?
        var members: [Int]
    }

    private var groups: [Group] = []

    /// Looks now: before the sandbox is built. Nil when a source is another file than the spec says: a template would still show the old one.
    init?(of spec: LaunchSpec, covers: [MountEntry]) {
        self.init(mounts: spec.mounts[...], pathRules: spec.pathRules, covers: covers)
    }

    init?(mounts: ArraySlice<MountEntry>, pathRules: [PathRule], covers: [MountEntry]) {
        let start = DirectoryRecord.clock()
        var known = PathSet()
        func add(_ path: String, isCovered: Bool) {
            if isCovered || !known.contains(path) {
                sources.append(Source(path: path, seen: Self.look(path, isCovered), isCovered: isCovered))
            }
            known.insert(path)
        }
        var bound: [String] = []
        for mount in mounts {
            guard case .bind(let source) = mount.kind else { continue }
            add(source.path, isCovered: false)
            let seen = sources.last { $0.path.isSamePath(as: source.path) }?.seen
            guard let seen, seen.device == source.device, seen.inode == source.inode else { return nil }
            if let owner = source.owner, owner != seen.owner { return nil }
            if !mount.device { bound.append(mount.target) }
        }
        // A rule holds for the file that its path led to. Inside and outside, what is bound has the same path.
        for rule in pathRules where bound.contains(where: { rule.path.isAtOrBelow($0) }) { add(rule.path, isCovered: false) }
        for cover in covers { add(cover.target, isCovered: true) }
        group(lookedAtSince: start)
    }

    var areUnchanged: Bool {
        groups.allSatisfy { group in
            if let seen = group.seen, Self.look(group.directory, true) == seen { return true }
            return group.members.allSatisfy { Self.look(sources[$0].path, sources[$0].isCovered) == sources[$0].seen }
        }
    }

    private mutating func group(lookedAtSince start: Int64) {
        for (index, source) in sources.enumerated() {
            let directory = source.path.parentPath
            // What was done to a covered file itself does not show in its directory.
            if !source.isCovered, let place = groups.firstIndex(where: { $0.directory.isSamePath(as: directory) }) {
                groups[place].members.append(index)
            } else {
                groups.append(Group(directory: source.isCovered ? "" : directory, seen: nil, members: [index]))
            }
        }
        groups = groups.map { group in
            guard group.members.count > 1, DirectoryRecord.tells(group.directory, lookedAtSince: start) else { return group }
            return Group(directory: group.directory, seen: Self.look(group.directory, true), members: group.members)
        }
    }

    private static func look(_ path: String, _ isCovered: Bool) -> Seen? {
        guard let found = try? FileIdentity.of(path: path, followingLink: false) else { return nil }
        return Seen(
            device: found.device, inode: found.inode, bornNanoseconds: found.bornNanoseconds,
            changedNanoseconds: isCovered ? found.changedNanoseconds : 0, owner: .init(of: found))
    }
}
