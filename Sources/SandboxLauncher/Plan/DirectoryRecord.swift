internal import Glibc
internal import LinuxPrimitives

/// Directories as they were when the names in them were looked at: as long as each is unchanged, so is what was found.
///
/// Making, removing or renaming a name sets the change time of its directory to the kernel's clock, and nobody can set that time
/// back. The clock advances in ticks, so a change in the tick of the look itself could leave the time as it is; such a directory is not
/// recorded. Nor is one on a file system whose word on this is not known (`HeldNames` says which are), or on whose path a link stands
/// by now: a directory is reached by its real path, so that one which was moved away, mounted over or exchanged for a link is another.
struct DirectoryRecord: Sendable {
    private struct Seen: Sendable, Equatable {
        let device: UInt64
        let inode: UInt64
        let mount: UInt64
        let changedNanoseconds: Int64
        let modifiedNanoseconds: Int64
    }

    private let directories: [(path: String, seen: Seen)]

    /// The clock of file times, to be read before the names are looked at.
    static func clock() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME_COARSE, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Nil when a later look could not tell.
    ///
    /// - Parameters:
    ///   - paths: real paths, in any order and number.
    ///   - start: `clock()` before the names in them were looked at.
    init?(of paths: [String], lookedAtSince start: Int64) {
        var known = PathSet()
        var directories: [(path: String, seen: Seen)] = []
        for path in paths where !known.contains(path) {
            known.insert(path)
            guard let opened = try? PathResolution.openPath(path: path, resolve: .noLinks),
                let magic = try? PathResolution.fileSystemMagic(opened.rawValue), HeldNames.listsEverything(magic),
                let identity = try? FileIdentity.of(opened.rawValue), identity.isDirectory, identity.changedNanoseconds < start
            else { return nil }
            directories.append((path, Self.seen(identity)))
        }
        // A clock that was set back meanwhile says nothing about before and after.
        guard Self.clock() >= start else { return nil }
        self.directories = directories
    }

    /// Whether the times of a directory, which may be reached through links, tell of every change to its names since then.
    static func tells(_ directory: String, lookedAtSince start: Int64) -> Bool {
        guard let opened = try? PathResolution.openPath(path: directory, resolve: .noMagicLinks),
            let magic = try? PathResolution.fileSystemMagic(opened.rawValue), HeldNames.listsEverything(magic),
            let identity = try? FileIdentity.of(opened.rawValue)
        else { return false }
        return identity.isDirectory && identity.changedNanoseconds < start && clock() >= start
    }

    var isUnchanged: Bool {
        directories.allSatisfy { directory in
            guard let opened = try? PathResolution.openPath(path: directory.path, resolve: .noLinks),
                let identity = try? FileIdentity.of(opened.rawValue)
            else { return false }
            return Self.seen(identity) == directory.seen
        }
    }

    private static func seen(_ identity: FileIdentity) -> Seen {
        Seen(
            device: identity.device, inode: identity.inode, mount: identity.mount, changedNanoseconds: identity.changedNanoseconds,
            modifiedNanoseconds: identity.modifiedNanoseconds)
    }
}
