internal import CLinuxShims
internal import Glibc

/// What tells one file from another, and whose it is.
package struct FileIdentity: Sendable, Equatable {
    /// st_dev
    package let device: UInt64
    package let inode: UInt64
    /// Mount id; 0 when the kernel does not tell (before Linux 5.8).
    package let mount: UInt64
    /// Bytes.
    package let size: UInt64
    /// Nanoseconds since the epoch.
    package let modifiedNanoseconds: Int64
    package let changedNanoseconds: Int64
    /// When the file was made: inode numbers are used again. 0 when the file system does not tell.
    package let bornNanoseconds: Int64
    package let links: UInt64
    /// Type and permission bits.
    package let mode: UInt32
    package let uid: UInt32
    package let gid: UInt32
    /// Of a device node.
    package var deviceMajor: UInt32 = 0
    package var deviceMinor: UInt32 = 0

    package var isDirectory: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFDIR) }
    package var isRegularFile: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFREG) }
    package var isSymbolicLink: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFLNK) }
    package var isCharacterDevice: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFCHR) }
    package var isBlockDevice: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFBLK) }
    package var isFIFO: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFIFO) }
    package var isSocket: Bool { mode & UInt32(S_IFMT) == UInt32(S_IFSOCK) }

    /// Of an open file, O_PATH or not.
    package static func of(_ descriptor: Int32) throws(SystemError) -> FileIdentity {
        try query(descriptor, "", GBX_AT_EMPTY_PATH, "descriptor \(descriptor)")
    }

    /// Of a name. A link at its end is followed unless said otherwise; links before it always are.
    package static func of(
        path: String, at directory: Int32 = AT_FDCWD, followingLink: Bool = true
    ) throws(SystemError) -> FileIdentity {
        try query(directory, path, followingLink ? 0 : AT_SYMLINK_NOFOLLOW, path)
    }

    /// Of a name as bytes (names need not be text), its last link not followed. Nil when nothing has that name.
    package static func ifPresent(name: UnsafePointer<CChar>, at directory: Int32) throws(SystemError) -> FileIdentity? {
        do throws(SystemError) {
            return try query(directory, name, AT_SYMLINK_NOFOLLOW, "a name")
        } catch {
            if error.errno == ENOENT { return nil }
            throw error
        }
    }

    private static func query(_ directory: Int32, _ path: UnsafePointer<CChar>, _ flags: Int32, _ object: String) throws(SystemError)
        -> FileIdentity
    {
        var found = gbx_identity()
        _ = try retrying("statx", object) { gbx_statx(directory, path, flags, &found) }
        return FileIdentity(
            device: found.device, inode: found.inode, mount: found.mount, size: found.size, modifiedNanoseconds: found.modified_ns,
            changedNanoseconds: found.changed_ns, bornNanoseconds: found.born_ns, links: found.links, mode: found.mode, uid: found.uid,
            gid: found.gid,
            deviceMajor: found.special_major, deviceMinor: found.special_minor)
    }
}
