internal import Glibc
internal import LinuxPrimitives

/// What a process may do and see, as far as the kernel shows it: whoever has a tool run by a process of another standing may gain by it.
///
/// A Landlock domain is not shown. Who enters one without capabilities has set no_new_privs before, and that is.
struct ProcessStanding: Sendable {
    // As bytes, for this is on the way of every call: texts are made only of what differs.

    /// Lines of /proc/PID/status, each with its end.
    private let status: [UInt8]
    /// One after the other, each with a NUL at its end.
    private let namespaces: [UInt8]
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
    ].map { Array($0.utf8) }
    private static let umaskName = Array("Umask".utf8)
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
        let facts = Self.facts(of: try SmallFile.read("status", in: directory.rawValue, limit: Self.readable))
        guard let umask = facts.umask else { throw Difference(reason: "its umask cannot be told") }
        (status, self.umask) = (facts.lines, umask)
        var namespaces: [UInt8] = []
        for name in Self.namespaceNames {
            namespaces += try Self.link("ns/" + name, in: directory.rawValue)
            namespaces.append(0)
        }
        self.namespaces = namespaces
        root = try FileIdentity.of(path: "root", at: directory.rawValue)
        label = try? SmallFile.read("attr/current", in: directory.rawValue, limit: 4096)
        limits = try SmallFile.read("limits", in: directory.rawValue, limit: Self.readable)
        guard let niceness = KernelFacts.niceness(of: pid) else { throw Difference(reason: "it has ended") }
        self.niceness = niceness
        if let pidfd, try Polling.wait(pidfd, for: .readable, deadline: 0) { throw Difference(reason: "it has ended") }
    }

    /// Whether the process is under no_new_privs or a system call filter, as every sealed tool is. Needs no right to trace it.
    static func isConfined(_ handle: borrowing ProcessHandle) throws -> Bool {
        let status = try SmallFile.read("/proc/\(handle.pid)/status", limit: readable)
        let isFree = ["NoNewPrivs:\t0\n", "Seccomp:\t0\n"].allSatisfy { line in
            let line = Array(line.utf8)
            return status.indices.contains { status[$0] == line[0] && status[$0...].starts(with: line) }
        }
        // The number is still its own, so it was its own before.
        return try handle.isFinished() || !isFree
    }

    /// The lines that are compared, and the umask.
    private static func facts(of status: [UInt8]) -> (lines: [UInt8], umask: UInt32?) {
        var lines: [UInt8] = []
        var umask: UInt32?
        var rest = status[...]
        while let end = rest.firstIndex(of: 0x0A) {
            let line = rest[...end]
            rest = rest[(end + 1)...]
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let name = line[..<colon]
            if statusNames.contains(where: { $0.elementsEqual(name) }) { lines += line }
            if umaskName.elementsEqual(name) { umask = octal(line[(colon + 1)...]) }
        }
        return (lines, umask)
    }

    private static func octal(_ text: ArraySlice<UInt8>) -> UInt32? {
        let digits = text.drop { $0 == 0x09 || $0 == 0x20 }.prefix { (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }
        guard (1...6).contains(digits.count) else { return nil }
        return digits.reduce(0) { $0 << 3 | UInt32($1 & 7) }
    }

    /// An empty text for a kind of namespace that this kernel does not have; one that may not be seen is an error.
    private static func link(_ name: String, in directory: Int32) throws(SystemError) -> ArraySlice<UInt8> {
        var bytes = [UInt8](repeating: 0, count: 64)
        let length = bytes.withUnsafeMutableBytes { room in
            room.baseAddress.map { readlinkat(directory, name, $0.assumingMemoryBound(to: CChar.self), room.count) } ?? -1
        }
        if length < 0, errno == ENOENT { return [] }
        guard length >= 0, length < bytes.count else {
            throw SystemError(errno: length < 0 ? errno : ENAMETOOLONG, operation: "readlink", object: name)
        }
        return bytes[..<length]
    }

    /// Name and value of each line.
    private var statusTable: [(name: String, value: String)] {
        String(decoding: status, as: UTF8.self).split(separator: "\n").map { line in
            let name = line.prefix { $0 != ":" }
            let value = line.dropFirst(name.count + 1).drop { $0 == "\t" || $0 == " " }
            return (String(name), String(value.prefix(80)))
        }
    }

    /// Why a server of this standing should not exist: it could not tell a confined client from itself.
    var obstacleForServing: String? {
        let table = statusTable
        if table.first(where: { $0.name == "Seccomp" })?.value != "0" {
            return "this process is under a system call filter already, and so might be its clients, by another one"
        }
        if table.first(where: { $0.name == "NoNewPrivs" })?.value != "0" {
            return "no_new_privs is set here, so a client that confined itself with Landlock could not be told from others"
        }
        return nil
    }

    /// Why a client of standing `other` would gain, or lose, by being served by a process of this standing; nil when it is the same.
    func difference(from other: ProcessStanding) -> Difference? {
        if status != other.status {
            let (mine, theirs) = (statusTable, other.statusTable)
            let first = zip(mine, theirs).first { $0 != $1 }
            guard let (mine, theirs) = first, mine.name == theirs.name else {
                return Difference(reason: "what it may do cannot be compared")
            }
            return Difference(reason: "its \(mine.name) is not the server's (\(theirs.value), not \(mine.value))")
        }
        if namespaces != other.namespaces {
            let (mine, theirs) = (
                namespaces.split(separator: 0, omittingEmptySubsequences: false),
                other.namespaces.split(separator: 0, omittingEmptySubsequences: false)
            )
            let index = zip(mine, theirs).enumerated().first { $1.0 != $1.1 }?.offset ?? 0
            return Difference(
                reason: "it is in another \(Self.namespaceNames[min(index, Self.namespaceNames.count - 1)]) namespace than the server")
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
