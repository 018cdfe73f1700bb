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

    package static func now() throws -> LeakCount {
        LeakCount(
            descriptors: try descriptorCount(), mounts: try lines("/proc/self/mountinfo").count, cgroups: try cgroupCount(),
            children: ProcessTable.children(of: getpid()).count, identities: try ownIdentities())
    }

    private static func lines(_ path: String) throws -> [Substring] {
        String(decoding: try SmallFile.read(path, limit: 64 << 20), as: UTF8.self).split(separator: "\n")
    }

    private static func descriptorCount() throws -> Int {
        var count = 0
        for name in try HostFile.names("/proc/self/fd") {
            var target = [UInt8](repeating: 0, count: 256)
            let size = target.withUnsafeMutableBytes {
                readlink("/proc/self/fd/\(name)", $0.baseAddress!.assumingMemoryBound(to: CChar.self), 255)
            }
            guard size > 0 else { continue } // the listing's own, closed by now
            let text = String(decoding: target[..<size], as: UTF8.self)
            if !["anon_inode:[eventpoll]", "anon_inode:[timerfd]", "anon_inode:[eventfd]"].contains(text) { count += 1 }
        }
        return count
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
        return try HostFile.names("/proc/self/fd").count { name in
            var target = [UInt8](repeating: 0, count: 64)
            let size = target.withUnsafeMutableBytes {
                readlink("/proc/self/fd/\(name)", $0.baseAddress!.assumingMemoryBound(to: CChar.self), 63)
            }
            guard size > 0 else { return false }
            let text = String(decoding: target[..<size], as: UTF8.self)
            return text.hasPrefix("socket:[") && named.contains(String(text.dropFirst(8).dropLast()))
        }
    }
}
