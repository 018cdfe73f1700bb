internal import Glibc
internal import LinuxPrimitives

/// What a process holds of the machine: taken before and after, equal when nothing was left behind.
package struct LeakCount: Equatable, Sendable, CustomStringConvertible {
    /// Open descriptors, without those that runtimes keep for waiting (epoll, timers, events).
    package var descriptors: Int
    package var mounts: Int
    /// Cgroups named after this process.
    package var cgroups: Int
    /// Children, dead or alive.
    package var children: Int
    /// Host identities on lease to anybody (abstract socket names), since no one else's can be told apart.
    package var identities: Int

    package var description: String {
        "\(descriptors) descriptors, \(mounts) mounts, \(cgroups) cgroups, \(children) children, \(identities) identities"
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
        LeakCount(
            descriptors: try descriptorCount(), mounts: try lines("/proc/self/mountinfo").count, cgroups: try cgroupCount(),
            children: ProcessTable.children(of: getpid()).count, identities: try ownIdentities())
    }

    private static func lines(_ path: String) throws -> [Substring] {
        String(decoding: try SmallFile.read(path, limit: 64 << 20), as: UTF8.self).split(separator: "\n")
    }

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
    private static func cgroupCount() throws -> Int {
        var count = 0
        for line in try lines("/proc/self/mountinfo") {
            let fields = line.split(separator: " ")
            guard let separator = fields.firstIndex(of: "-"), separator + 1 < fields.count, fields.count > 4 else { continue }
            let kind = fields[separator + 1]
            guard kind == "cgroup2" || kind == "cgroup" else { continue }
            count += groups(below: String(fields[4]), depth: 0)
        }
        return count
    }

    private static func groups(below path: String, depth: Int) -> Int {
        guard depth < 6, let names = try? HostFile.names(path) else { return 0 }
        var count = 0
        for name in names where (try? HostFile.identity("\(path)/\(name)"))?.isDirectory == true {
            if name.hasPrefix("glovebox-\(getpid())-") { count += 1 }
            count += groups(below: "\(path)/\(name)", depth: depth + 1)
        }
        return count
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
