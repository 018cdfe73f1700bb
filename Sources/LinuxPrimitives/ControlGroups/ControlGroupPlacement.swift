/// Where the supervisor stands in the host's cgroups, as far as memory and pids are concerned.
package enum ControlGroupPlacement: Sendable, Equatable {
    /// Directories of the supervisor's own cgroup in the two hierarchies; the same one when they are mounted together.
    case v1(memory: String, pids: String)
    /// Directory of the supervisor's own cgroup.
    case v2(String)
    case unavailable(reason: String)

    /// `v1`, `v2` or `none`: for receipts and `doctor`.
    package var name: String {
        switch self {
        case .v1: "v1"
        case .v2: "v2"
        case .unavailable: "none"
        }
    }

    /// From the text of /proc/self/cgroup and /proc/self/mountinfo. A controller in a v1 hierarchy is never in v2 at the same
    /// time, so on hybrid hosts v1 is what counts.
    package static func parse(cgroup: String, mountinfo: String) -> ControlGroupPlacement {
        // Most lines are other mounts: only what may be a cgroup is worth taking apart.
        let lines = mountinfo.utf8.split(separator: UInt8(ascii: "\n")).filter(Mount.mayBeControlGroup)
        let mounts = lines.compactMap { Mount(line: Substring($0)) }
        var own: [String: String] = [:] // controller → path in its hierarchy; "" is v2
        for line in cgroup.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            for controller in fields[1].split(separator: ",", omittingEmptySubsequences: false) {
                own[String(controller)] = String(fields[2])
            }
        }
        if let memory = own["memory"], let pids = own["pids"] {
            guard let memoryDirectory = mounts.lazy.compactMap({ $0.directory(of: memory, controller: "memory") }).first,
                let pidsDirectory = mounts.lazy.compactMap({ $0.directory(of: pids, controller: "pids") }).first
            else {
                return .unavailable(
                    reason: "the memory and pids hierarchies (cgroup v1) are not mounted where this process sees its own group")
            }
            return .v1(memory: memoryDirectory, pids: pidsDirectory)
        }
        if own["memory"] != nil || own["pids"] != nil {
            return .unavailable(reason: "only one of memory and pids is a cgroup v1 hierarchy on this host")
        }
        if let unified = own[""] {
            guard let directory = mounts.lazy.compactMap({ $0.directory(of: unified, controller: nil) }).first else {
                return .unavailable(reason: "the cgroup v2 file system is not mounted where this process sees its own group")
            }
            return .v2(directory)
        }
        return .unavailable(reason: "this kernel has no cgroups")
    }

    /// One cgroup mount of mountinfo: where it is, and which part of the hierarchy it shows.
    private struct Mount {
        var root: String
        var point: String
        /// nil: v2
        var controllers: Set<String>?

        init?(line: Substring) {
            // id parent device root point options [tags…] - type source options
            let fields = line.split(separator: " ")
            guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 3 else { return nil }
            switch fields[dash + 1] {
            case "cgroup2": controllers = nil
            case "cgroup": controllers = Set(fields[dash + 3].split(separator: ",").map(String.init))
            default: return nil
            }
            root = Mount.unescaped(fields[3])
            point = Mount.unescaped(fields[4])
        }

        /// Whether the line has ` - cgroup` in it, looked for as bytes.
        static func mayBeControlGroup(_ line: Substring.UTF8View) -> Bool {
            let wanted = Array(" - cgroup".utf8)
            let bytes = Array(line)
            guard bytes.count >= wanted.count else { return false }
            return (0...(bytes.count - wanted.count)).contains { start in
                bytes[start + 1] == UInt8(ascii: "-") && bytes[start..<(start + wanted.count)].elementsEqual(wanted)
            }
        }

        func directory(of path: String, controller: String?) -> String? {
            if let controller {
                guard let controllers, controllers.contains(controller) else { return nil }
            } else if controllers != nil {
                return nil
            }
            // `/..` is what the kernel shows for a group outside our cgroup namespace: nothing there is ours.
            guard path.hasPrefix("/"), !path.split(separator: "/").contains("..") else { return nil }
            if root == "/" { return path == "/" ? point : point + path }
            if path == root { return point }
            return path.hasPrefix(root + "/") ? point + path.dropFirst(root.count) : nil
        }

        /// mountinfo writes space, tab, newline and backslash as \ooo.
        private static func unescaped(_ field: Substring) -> String {
            var bytes: [UInt8] = []
            var rest = Array(field.utf8)[...]
            while let byte = rest.popFirst() {
                let digits = rest.prefix(3)
                if byte == UInt8(ascii: "\\"), digits.count == 3, let code = UInt8(String(decoding: digits, as: UTF8.self), radix: 8) {
                    bytes.append(code)
                    rest = rest.dropFirst(3)
                } else {
                    bytes.append(byte)
                }
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }
}

/// Why runs cannot have a cgroup on this host; the sentence goes into the receipt.
package struct ControlGroupUnavailable: Error, Sendable, Equatable, CustomStringConvertible {
    package let reason: String
    package var description: String { "no cgroups for runs: \(reason)" }
}
