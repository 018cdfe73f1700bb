internal import Glibc

/// Reading and writing small files as a whole, mostly of procfs, sysfs and cgroupfs. Names are relative to a directory
/// descriptor; AT_FDCWD is the default.
package enum SmallFile {
    /// Bytes that one of these files can have at most: mountinfo of a busy container host is a few hundred KiB.
    package static let standardLimit = 4 << 20

    package static func read(_ path: String, in directory: Int32 = AT_FDCWD, limit: Int = standardLimit) throws(SystemError) -> [UInt8] {
        let file = try open(path, in: directory, flags: O_RDONLY)
        do {
            return try Transfer.readAll(file.rawValue, limit: limit)
        } catch {
            throw SystemError(errno: error.errno, operation: error.operation, object: path)
        }
    }

    /// The content as text, bytes that are no UTF-8 replaced.
    package static func text(_ path: String, in directory: Int32 = AT_FDCWD) throws(SystemError) -> String {
        String(decoding: try read(path, in: directory), as: UTF8.self)
    }

    /// The content as one decimal number, or nil when the file is absent, unreadable or something else.
    package static func number(_ path: String, in directory: Int32 = AT_FDCWD) -> UInt64? {
        guard let bytes = try? read(path, in: directory, limit: 64) else { return nil }
        return UInt64(String(decoding: bytes.prefix { $0 != 0x0a }, as: UTF8.self))
    }

    /// One `write` to an existing file: kernel files take a value in one piece.
    package static func write(_ text: String, to path: String, in directory: Int32 = AT_FDCWD) throws(SystemError) {
        let file = try open(path, in: directory, flags: O_WRONLY)
        let bytes = Array(text.utf8)
        let written = try retrying("write", path) { libc(Glibc.write(file.rawValue, bytes, bytes.count)) }
        if written != bytes.count { throw SystemError(errno: EIO, operation: "write", object: path) }
    }

    private static func open(_ path: String, in directory: Int32, flags: Int32) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(adopting: try retrying("open", path) { libc(Glibc.openat(directory, path, flags | O_CLOEXEC)) })
    }
}
