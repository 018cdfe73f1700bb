internal import Glibc

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

    /// From the content of /proc/self/cgroup and /proc/self/mountinfo. A controller in a v1 hierarchy is never in v2 at the same
    /// time, so on hybrid hosts v1 is what counts.
    package static func parse(cgroup: [UInt8], mountinfo: [UInt8]) -> ControlGroupPlacement {
        let mounts = mountinfo.split(separator: UInt8(ascii: "\n")).compactMap { Mount(line: $0) }
        let own = OwnGroups(cgroup)
        if let memory = own.memory, let pids = own.pids {
            guard let memoryDirectory = mounts.lazy.compactMap({ $0.directory(of: memory, controller: "memory") }).first,
                let pidsDirectory = mounts.lazy.compactMap({ $0.directory(of: pids, controller: "pids") }).first
            else {
                return .unavailable(
                    reason: "the memory and pids hierarchies (cgroup v1) are not mounted where this process sees its own group")
            }
            return .v1(memory: memoryDirectory, pids: pidsDirectory)
        }
        if own.memory != nil || own.pids != nil {
            return .unavailable(reason: "only one of memory and pids is a cgroup v1 hierarchy on this host")
        }
        if let unified = own.unified {
            guard let directory = mounts.lazy.compactMap({ $0.directory(of: unified, controller: nil) }).first else {
                return .unavailable(reason: "the cgroup v2 file system is not mounted where this process sees its own group")
            }
            return .v2(directory)
        }
        return .unavailable(reason: "this kernel has no cgroups")
    }

    /// The process's own paths in the hierarchies that matter. Everything here is compared as bytes: taking the same lines apart
    /// as text is a tenth of what a command costs.
    private struct OwnGroups {
        var memory: ArraySlice<UInt8>?
        var pids: ArraySlice<UInt8>?
        var unified: ArraySlice<UInt8>?

        init(_ cgroup: [UInt8]) {
            for line in cgroup.split(separator: UInt8(ascii: "\n")) {
                // number:controllers:path
                let fields = line.split(separator: UInt8(ascii: ":"), maxSplits: 2, omittingEmptySubsequences: false)
                guard fields.count == 3 else { continue }
                if fields[1].isEmpty { unified = fields[2] }
                for controller in fields[1].split(separator: UInt8(ascii: ",")) {
                    if controller.isText("memory") { memory = fields[2] }
                    if controller.isText("pids") { pids = fields[2] }
                }
            }
        }
    }

    /// One cgroup mount of mountinfo: where it is, and which part of the hierarchy it shows.
    private struct Mount {
        var root: [UInt8]
        var point: [UInt8]
        /// nil: v2
        var controllers: ArraySlice<UInt8>?

        init?(line: ArraySlice<UInt8>) {
            // Most lines are other mounts: these are not worth taking apart.
            guard line.names("cgroup") else { return nil }
            // id parent device root point options [tags…] - type source options
            let fields = line.split(separator: UInt8(ascii: " "))
            guard let dash = fields.firstIndex(where: { $0.isText("-") }), dash >= 6, fields.count > dash + 3 else { return nil }
            if fields[dash + 1].isText("cgroup2") {
                controllers = nil
            } else if fields[dash + 1].isText("cgroup") {
                controllers = fields[dash + 3]
            } else {
                return nil
            }
            root = Mount.unescaped(fields[3])
            point = Mount.unescaped(fields[4])
        }

        func directory(of path: ArraySlice<UInt8>, controller: StaticString?) -> String? {
            if let controller {
                guard let controllers, controllers.split(separator: UInt8(ascii: ",")).contains(where: { $0.isText(controller) })
                else { return nil }
            } else if controllers != nil {
                return nil
            }
            // `/..` is what the kernel shows for a group outside our cgroup namespace: nothing there is ours.
            let slash = UInt8(ascii: "/")
            guard path.first == slash, !path.split(separator: slash).contains(where: { $0.isText("..") }) else { return nil }
            var below = path
            if !root[...].isText("/") {
                guard path.starts(with: root) else { return nil }
                below = path.dropFirst(root.count)
                guard below.isEmpty || below.first == slash else { return nil }
            } else if path.isText("/") {
                below = []
            }
            return String(decoding: point + below, as: UTF8.self)
        }

        /// mountinfo writes space, tab, newline and backslash as \ooo.
        private static func unescaped(_ field: ArraySlice<UInt8>) -> [UInt8] {
            var bytes: [UInt8] = []
            bytes.reserveCapacity(field.count)
            var rest = field
            while let byte = rest.popFirst() {
                let digits = rest.prefix(3)
                let isOctal = digits.count == 3 && digits.allSatisfy { (0x30...0x37).contains($0) } && digits.first ?? 0x37 <= 0x33
                if byte == UInt8(ascii: "\\"), isOctal {
                    bytes.append(digits.reduce(0) { $0 * 8 + ($1 - 0x30) })
                    rest = rest.dropFirst(3)
                } else {
                    bytes.append(byte)
                }
            }
            return bytes
        }
    }
}

extension ArraySlice<UInt8> {
    /// Whether the text stands anywhere in it.
    fileprivate func names(_ text: StaticString) -> Bool {
        withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress, bytes.count >= text.utf8CodeUnitCount else { return false }
            return (0...bytes.count - text.utf8CodeUnitCount).contains {
                bytes[$0] == text.utf8Start.pointee && memcmp(start + $0, text.utf8Start, text.utf8CodeUnitCount) == 0
            }
        }
    }

    fileprivate func isText(_ text: StaticString) -> Bool {
        count == text.utf8CodeUnitCount
            && withUnsafeBytes { memcmp($0.baseAddress ?? UnsafeRawPointer(text.utf8Start), text.utf8Start, count) == 0 }
    }
}

/// Why runs cannot have a cgroup on this host; the sentence goes into the receipt.
package struct ControlGroupUnavailable: Error, Sendable, Equatable, CustomStringConvertible {
    package let reason: String
    package var description: String { "no cgroups for runs: \(reason)" }
}
