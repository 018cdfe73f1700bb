internal import CLinuxShims
internal import Glibc
internal import LinuxPrimitives

/// A waiting caller as the supervisor sees it: its memory, its working directory, its descriptors, its mask. Everything read
/// here is a copy; the supervisor acts on the copy and never asks the kernel to look at the caller's memory again.
struct CallerView {
    let pid: Int32
    /// The listener that brought the call, borrowed, and the call's id.
    let listener: Int32
    let notification: UInt64

    /// Whether the call is still waiting for its answer. Only then does `pid` mean this caller: whatever was reached through the
    /// number is used only after this said so.
    func isWaiting() -> Bool { gbx_notification_is_valid(listener, notification) == 1 }

    func string(at address: UInt64) throws(SystemError) -> [UInt8] {
        try ProcessMemory.readCString(pid: pid, address: address)
    }

    /// comm, at most 15 bytes, as the program set it.
    var program: String {
        guard let bytes = try? SmallFile.read("/proc/\(pid)/comm", limit: 64) else { return "?" }
        var text = TerminalText()
        let line = bytes.prefix { $0 != 0x0A }
        return String(decoding: line.withUnsafeBytes { text.clean($0) }, as: UTF8.self)
    }

    var umask: UInt32 { Self.mask(of: "\(pid)") }

    /// umask of a process, by its name in /proc; 022 when it cannot be seen.
    static func mask(of process: String) -> UInt32 {
        guard let status = try? SmallFile.text("/proc/\(process)/status"),
            let line = status.split(separator: "\n").first(where: { $0.hasPrefix("Umask:") }),
            let value = UInt32(line.dropFirst(6).drop { $0 == " " || $0 == "\t" }, radix: 8)
        else { return 0o022 }
        return value
    }

    /// Absolute path, inside the sandbox, of the directory that a relative path starts from.
    func directory(_ descriptor: Int32) throws(SystemError) -> [UInt8] {
        let link = descriptor == AT_FDCWD ? "/proc/\(pid)/cwd" : "/proc/\(pid)/fd/\(descriptor)"
        guard descriptor == AT_FDCWD || descriptor >= 0 else { throw SystemError(errno: EBADF, operation: "openat") }
        let path: [UInt8]
        do {
            path = try Self.readLink(Array(link.utf8))
        } catch {
            // A number that is not open has no entry in /proc.
            throw descriptor != AT_FDCWD && error.errno == ENOENT ? SystemError(errno: EBADF, operation: "openat") : error
        }
        guard path.first == UInt8(ascii: "/") else { throw SystemError(errno: ENOTDIR, operation: "openat") }
        return path
    }

    /// What the caller's root looks like from here; the same for every process of a sandbox.
    func openRoot() throws(SystemError) -> OwnedDescriptor {
        let number = open("/proc/\(pid)/root", GBX_O_PATH | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { throw SystemError(errno: errno, operation: "open", object: "/proc/\(pid)/root") }
        return OwnedDescriptor(adopting: number)
    }

    /// Exactly `count` bytes of its memory.
    func bytes(at address: UInt64, count: Int) throws(SystemError) -> [UInt8] {
        try ProcessMemory.read(pid: pid, address: address, count: count)
    }

    /// A descriptor of ours for one of its open files.
    func copy(ofDescriptor number: Int32) throws(SystemError) -> SharedDescriptor {
        try ProcessHandle(thread: pid).copy(ofDescriptor: number)
    }

    /// Status flags of one of its descriptors, O_CLOEXEC among them.
    func flags(ofDescriptor number: Int32) throws(SystemError) -> Int32 {
        let text = String(decoding: try SmallFile.read("/proc/\(pid)/fdinfo/\(number)", limit: 4096), as: UTF8.self)
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("flags:") }),
            let flags = Int32(line.dropFirst(6).drop { $0 == " " || $0 == "\t" }, radix: 8)
        else { throw SystemError(errno: EBADF, operation: "read", object: "/proc/\(pid)/fdinfo/\(number)") }
        return flags
    }

    static func readLink(_ path: [UInt8], at directory: Int32 = AT_FDCWD) throws(SystemError) -> [UInt8] {
        let limit = Int(PATH_MAX)
        var buffer = [CChar](repeating: 0, count: limit)
        let length = readlinkat(directory, path.map(CChar.init(bitPattern:)) + [0], &buffer, limit)
        guard length >= 0 else { throw SystemError(errno: errno, operation: "readlinkat") }
        return buffer[..<length].map(UInt8.init(bitPattern:))
    }
}
