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
    }

    private var sources: [Source] = []

    /// Looks now: before the sandbox is built. Nil when a source is another file than the spec says: a template would still show the old one.
    init?(of spec: LaunchSpec, covers: [MountEntry]) {
        var known = PathSet()
        func add(_ path: String, isCovered: Bool) {
            if isCovered || !known.contains(path) {
                sources.append(Source(path: path, seen: Self.look(path, isCovered), isCovered: isCovered))
            }
            known.insert(path)
        }
        var bound: [String] = []
        for mount in spec.mounts {
            guard case .bind(let source) = mount.kind else { continue }
            add(source.path, isCovered: false)
            let seen = sources.last { $0.path.isSamePath(as: source.path) }?.seen
            guard seen?.device == source.device, seen?.inode == source.inode else { return nil }
            if !mount.device { bound.append(mount.target) }
        }
        // A rule holds for the file that its path led to. Inside and outside, what is bound has the same path.
        for rule in spec.pathRules where bound.contains(where: { rule.path.isAtOrBelow($0) }) { add(rule.path, isCovered: false) }
        for cover in covers { add(cover.target, isCovered: true) }
    }

    var areUnchanged: Bool { sources.allSatisfy { Self.look($0.path, $0.isCovered) == $0.seen } }

    private static func look(_ path: String, _ isCovered: Bool) -> Seen? {
        guard let found = try? FileIdentity.of(path: path, followingLink: false) else { return nil }
        return Seen(
            device: found.device, inode: found.inode, bornNanoseconds: found.bornNanoseconds,
            changedNanoseconds: isCovered ? found.changedNanoseconds : 0)
    }
}
