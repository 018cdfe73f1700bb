internal import Glibc
internal import LinuxPrimitives

/// What a process may do and see, as far as the kernel shows it: whoever has a tool run by a process of another standing may gain by it.
///
/// A Landlock domain is not shown. Who enters one without capabilities has set no_new_privs before, and that is.
struct ProcessStanding: Sendable {
    /// Lines of /proc/PID/status.
    private let status: [Substring]
    private let namespaces: [String]
    private let root: FileIdentity
    /// Of an LSM that labels processes (AppArmor, SELinux); nil without one.
    private let label: [UInt8]?
    private let limits: [UInt8]
    private let niceness: Int32
    /// For files that are made.
    let umask: UInt32

    /// A clone of a process may enter other namespaces than its own: those for children count as well.
    private static let namespaceNames = [
        "user", "mnt", "pid", "pid_for_children", "net", "ipc", "uts", "cgroup", "time", "time_for_children",
    ]
    /// Real, effective, saved and file ids; groups; the five sets of capabilities; what cannot be taken off again; processors.
    private static let statusNames = [
        "Uid", "Gid", "Groups", "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Seccomp_filters",
        "Cpus_allowed", "Mems_allowed",
    ]
    private static let readable = 64 << 10

    struct Difference: Error, Equatable {
        var reason: String
    }

    static func ofThisProcess() throws -> ProcessStanding {
        try ProcessStanding(of: getpid())
    }

    /// Of another process. What is read all belongs to the one that `handle` holds.
    init(of handle: borrowing ProcessHandle) throws {
        guard handle.pid > 0 else { throw Difference(reason: "it lives in a pid namespace that cannot be seen from here") }
        try self.init(of: handle.pid, stillIs: handle.rawValue)
    }

    private init(of pid: Int32, stillIs pidfd: Int32? = nil) throws {
        let directory = try PathResolution.open(path: "/proc/\(pid)", flags: O_RDONLY | O_DIRECTORY)
        // A number is given anew only after its process has gone. One that is there after its directory was opened is the one that it
        // shows, and whatever is read through the directory from then on fails once that process has gone.
        if let pidfd, try Polling.wait(pidfd, for: .readable, deadline: 0) { throw Difference(reason: "it has ended") }
        let text = String(decoding: try SmallFile.read("status", in: directory.rawValue, limit: Self.readable), as: UTF8.self)
        var status: [Substring] = []
        var umask: UInt32?
        for line in text.split(separator: "\n") {
            guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let name = line[..<colon]
            if name == "Umask" { umask = UInt32(line[colon...].dropFirst(2), radix: 8) }
            if Self.statusNames.contains(where: { $0 == name }) { status.append(line) }
        }
        self.status = status
        guard let umask else { throw Difference(reason: "its umask cannot be told") }
        self.umask = umask
        namespaces = try Self.namespaceNames.map { try Self.link("ns/" + $0, in: directory.rawValue) }
        root = try FileIdentity.of(path: "root", at: directory.rawValue)
        label = try? SmallFile.read("attr/current", in: directory.rawValue, limit: 4096)
        limits = try SmallFile.read("limits", in: directory.rawValue, limit: Self.readable)
        guard let niceness = KernelFacts.niceness(of: pid) else { throw Difference(reason: "it has ended") }
        self.niceness = niceness
        if let pidfd, try Polling.wait(pidfd, for: .readable, deadline: 0) { throw Difference(reason: "it has ended") }
    }

    /// An empty text for a kind of namespace that this kernel does not have; one that may not be seen is an error.
    private static func link(_ name: String, in directory: Int32) throws(SystemError) -> String {
        var bytes = [UInt8](repeating: 0, count: 64)
        let length = bytes.withUnsafeMutableBytes { room in
            room.baseAddress.map { readlinkat(directory, name, $0.assumingMemoryBound(to: CChar.self), room.count) } ?? -1
        }
        if length < 0, errno == ENOENT { return "" }
        guard length >= 0, length < bytes.count else {
            throw SystemError(errno: length < 0 ? errno : ENAMETOOLONG, operation: "readlink", object: name)
        }
        return String(decoding: bytes[..<length], as: UTF8.self)
    }

    /// Why a server of this standing should not exist: it could not tell a confined client from itself.
    var obstacleForServing: String? {
        if let line = status.first(where: { $0.hasPrefix("Seccomp:") }), value(line) != "0" {
            return "this process is under a system call filter already, and so might be its clients, by another one"
        }
        if let line = status.first(where: { $0.hasPrefix("NoNewPrivs:") }), value(line) != "0" {
            return "no_new_privs is set here, so a client that confined itself with Landlock could not be told from others"
        }
        return nil
    }

    /// Why a client of standing `other` would gain, or lose, by being served by a process of this standing; nil when it is the same.
    func difference(from other: ProcessStanding) -> Difference? {
        for (mine, theirs) in zip(status, other.status) where mine != theirs {
            return Difference(reason: "its \(mine.prefix { $0 != ":" }) is not the server's (\(value(theirs)), not \(value(mine)))")
        }
        if status.count != other.status.count { return Difference(reason: "what it may do cannot be compared") }
        for (index, name) in Self.namespaceNames.enumerated() where namespaces[index] != other.namespaces[index] {
            return Difference(reason: "it is in another \(name) namespace than the server")
        }
        if root != other.root, (root.device, root.inode, root.mount) != (other.root.device, other.root.inode, other.root.mount) {
            return Difference(reason: "its root directory is not the server's")
        }
        if label != other.label { return Difference(reason: "its security label is not the server's") }
        if niceness != other.niceness {
            return Difference(reason: "its nice value is not the server's (\(other.niceness), not \(niceness))")
        }
        guard limits != other.limits else { return nil }
        return Self.lowerLimit(of: other.limits, than: limits).map { Difference(reason: "its limit `\($0)` is lower than the server's") }
    }

    private func value(_ line: Substring) -> String {
        String(line.drop { $0 != ":" }.dropFirst().drop { $0 == "\t" || $0 == " " }.prefix(80))
    }

    /// The first of /proc/PID/limits that is lower in one table than in another, soft or hard.
    static func lowerLimit(of client: [UInt8], than server: [UInt8]) -> String? {
        func table(_ bytes: [UInt8]) -> [(name: String, soft: UInt64, hard: UInt64)]? {
            var rows: [(name: String, soft: UInt64, hard: UInt64)] = []
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n").dropFirst() {
                // Columns of fixed width: names have spaces in them.
                let fields = line.dropFirst(26).split(separator: " ")
                func number(_ text: Substring) -> UInt64? { text == "unlimited" ? .max : UInt64(text) }
                guard fields.count >= 2, let soft = number(fields[0]), let hard = number(fields[1]) else { return nil }
                rows.append((String(line.prefix(26)).trimmedEnd, soft, hard))
            }
            return rows
        }
        guard let theirs = table(client), let ours = table(server), theirs.count == ours.count else { return "(cannot be read)" }
        return zip(theirs, ours).first { $0.name != $1.name || $0.soft < $1.soft || $0.hard < $1.hard }?.0.name
    }
}

extension String {
    fileprivate var trimmedEnd: String {
        var text = Substring(self)
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
