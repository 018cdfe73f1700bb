internal import Glibc
internal import LinuxPrimitives

/// What a process holds of the machine: taken before and after, equal when nothing was left behind. What cannot be read is an
/// error, never a nought.
package struct LeakCount: Equatable, Sendable, CustomStringConvertible {
    /// Open descriptors, without those that runtimes keep for waiting (epoll, timers, events).
    package var descriptors: Int
    package var mounts: Int
    /// Cgroups named after this process, in every tree that is mounted, of either version.
    package var cgroups: Int
    /// Everything below this process that runs, and whatever runs in one of its cgroups, be its parent who it may.
    package var running: Int
    /// The same, but ended and not waited for.
    package var zombies: Int
    /// Host identities on lease (abstract socket names).
    package var identities: Int

    package var description: String {
        "\(descriptors) descriptors, \(mounts) mounts, \(cgroups) cgroups, \(running) running, \(zombies) zombies, \(identities) identities"
    }

    /// The count, once it holds still: other threads of a test process open and close files of their own now and then.
    package static func now() throws -> LeakCount {
        var last = try once()
        for _ in 0..<100 {
            var same = true
            for _ in 0..<3 {
                sched_yield()
                let next = try once()
                same = same && next == last
                last = next
            }
            if same { break }
        }
        return last
    }

    private static func once() throws -> LeakCount {
        let groups = try ownGroups()
        var processes = try ProcessTable.tree(of: getpid()).filter { $0.pid != getpid() }
        for group in groups {
            for pid in try members(of: group) where !processes.contains(where: { $0.pid == pid }) {
                if let entry = try ProcessTable.entry(pid), entry.pid != getpid() { processes.append(entry) }
            }
        }
        let zombies = processes.count { $0.isZombie }
        return LeakCount(
            descriptors: try descriptorCount(), mounts: mounts(in: try text("/proc/self/mountinfo")), cgroups: groups.count,
            running: processes.count - zombies, zombies: zombies, identities: try ownIdentities())
    }

    /// How many mounts a mountinfo file of /proc tells of.
    package static func mounts(in mountinfo: String) -> Int { mountinfo.split(separator: "\n").count }

    private static func text(_ path: String) throws -> String {
        String(decoding: try SmallFile.read(path, limit: 64 << 20), as: UTF8.self)
    }

    private static func lines(_ path: String) throws -> [Substring] { try text(path).split(separator: "\n") }

    private static func descriptorCount() throws -> Int {
        let waiting = ["anon_inode:[eventpoll]", "anon_inode:[timerfd]", "anon_inode:[eventfd]"]
        return try targets().count { !waiting.contains($0) }
    }

    /// What the open descriptors lead to.
    private static func targets() throws -> [String] {
        // The listing's own descriptor is closed by the time it is looked at.
        try HostFile.names("/proc/self/fd").compactMap { HostFile.linkTarget("/proc/self/fd/\($0)") }
    }

    /// Directories `glovebox-<our pid>-…` in every cgroup tree that is mounted.
    private static func ownGroups() throws -> [String] {
        var found: [String] = []
        for line in try lines("/proc/self/mountinfo") {
            let fields = line.split(separator: " ")
            guard let separator = fields.firstIndex(of: "-"), separator + 1 < fields.count, fields.count > 4 else { continue }
            let kind = fields[separator + 1]
            guard kind == "cgroup2" || kind == "cgroup" else { continue }
            try collectGroups(below: String(fields[4]), isRoot: true, into: &found)
        }
        return found
    }

    private static func collectGroups(below path: String, isRoot: Bool, into found: inout [String]) throws {
        let names: [String]
        do {
            names = try HostFile.names(path)
        } catch let error as SystemError where (error.errno == ENOENT || error.errno == EACCES) && !isRoot {
            return // somebody else's group: removed just now, or for its owner alone
        }
        for name in names {
            let child = "\(path)/\(name)"
            do {
                guard try HostFile.identity(child).isDirectory else { continue }
            } catch let error as SystemError where error.errno == ENOENT {
                continue
            }
            if name.hasPrefix("glovebox-\(getpid())-") { found.append(child) }
            try collectGroups(below: child, isRoot: false, into: &found)
        }
    }

    private static func members(of group: String) throws -> [Int32] {
        do {
            return try lines(group + "/cgroup.procs").compactMap { Int32($0) }
        } catch let error as SystemError where error.errno == ENOENT || error.errno == ENODEV {
            return [] // removed between the two looks, and only an empty group can be
        }
    }

    /// Sockets named `@glovebox/uid/…` among our own descriptors.
    private static func ownIdentities() throws -> Int {
        let named = Set(
            try lines("/proc/net/unix").filter { $0.contains("@glovebox/uid/") }.compactMap { line -> String? in
                let fields = line.split(separator: " ")
                return fields.count > 6 ? String(fields[6]) : nil
            })
        return try targets().count { $0.hasPrefix("socket:[") && named.contains(String($0.dropFirst(8).dropLast())) }
    }
}
