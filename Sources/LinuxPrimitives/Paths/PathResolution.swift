internal import CLinuxShims
internal import Glibc

/// How the kernel may walk a path (openat2).
package struct ResolveRules: OptionSet, Sendable {
    package let rawValue: UInt64
    package init(rawValue: UInt64) { self.rawValue = rawValue }
    /// As the kernel walks every path.
    package static let ordinary: ResolveRules = []
    /// No symbolic link anywhere, the last name included. ELOOP.
    package static let noLinks = ResolveRules(rawValue: GBX_RESOLVE_NO_SYMLINKS)
    /// No link of /proc/<pid>/fd and the like. ELOOP.
    package static let noMagicLinks = ResolveRules(rawValue: GBX_RESOLVE_NO_MAGICLINKS)
    /// No change to another mount. EXDEV.
    package static let sameMount = ResolveRules(rawValue: GBX_RESOLVE_NO_XDEV)
    /// Never above the directory, and no absolute path. EXDEV.
    package static let beneath = ResolveRules(rawValue: GBX_RESOLVE_BENEATH)
    /// The directory is `/`, also for absolute links and `..`.
    package static let inRoot = ResolveRules(rawValue: GBX_RESOLVE_IN_ROOT)
    /// Written out: a set made of a literal costs 0.1 ms, once, where the compiler does not see through it.
    package static let beneathWithoutLinks = ResolveRules(rawValue: GBX_RESOLVE_BENEATH | GBX_RESOLVE_NO_SYMLINKS)
}

/// Paths turned into descriptors by the kernel, in one step: no check of a name can go stale before its use.
package enum PathResolution {
    /// A directory, to read or to resolve from. ENOTDIR when it is none.
    package static func openDirectory(
        at directory: Int32 = AT_FDCWD, path: String, resolve: ResolveRules = .noLinks
    ) throws(SystemError) -> OwnedDescriptor {
        try open(at: directory, path: path, flags: O_RDONLY | O_DIRECTORY, resolve: resolve)
    }

    /// A location of any kind (O_PATH): to identify, bind or resolve from, not to read.
    package static func openPath(
        at directory: Int32 = AT_FDCWD, path: String, resolve: ResolveRules = .noLinks
    ) throws(SystemError) -> OwnedDescriptor {
        try open(at: directory, path: path, flags: GBX_O_PATH, resolve: resolve)
    }

    /// A file with open(2) flags; `mode` only when the flags create. Never a controlling terminal.
    package static func open(
        at directory: Int32 = AT_FDCWD, path: String, flags: Int32, mode: UInt32 = 0, resolve: ResolveRules = .noLinks
    ) throws(SystemError) -> OwnedDescriptor {
        guard !path.utf8.contains(0) else { throw SystemError(errno: EINVAL, operation: "openat2", object: "a path with a NUL byte") }
        let noTerminal = flags & GBX_O_PATH == 0 ? flags | O_NOCTTY : flags // openat2 refuses other flags beside O_PATH
        var attempts = 0
        while true {
            let number = gbx_openat2(directory, path, noTerminal, mode, resolve.rawValue)
            // EAGAIN: something was renamed below a `beneath` or `inRoot` walk. Somebody who renames for ever must not keep us.
            if number == -EINTR || (number == -EAGAIN && attempts < 32) {
                attempts += 1
                continue
            }
            return OwnedDescriptor(adopting: try checked(number, "openat2", path))
        }
    }

    /// The absolute path without links, `.` and `..`. Everything on the way must exist.
    package static func canonicalPath(_ path: String) throws(SystemError) -> String {
        guard !path.utf8.contains(0) else { throw SystemError(errno: EINVAL, operation: "realpath", object: "a path with a NUL byte") }
        guard let resolved = realpath(path, nil) else {
            throw SystemError(errno: Glibc.errno, operation: "realpath", object: path)
        }
        defer { free(resolved) }
        guard let text = String(validatingCString: resolved) else {
            // Policies, records and reports are UTF-8: a path that is not could be shown as one name and mean another.
            throw SystemError(errno: EILSEQ, operation: "realpath", object: path)
        }
        return text
    }

    /// `f_type` of the file system that an open file is on, for example 0x9fa0 (procfs).
    package static func fileSystemMagic(_ descriptor: Int32) throws(SystemError) -> UInt32 {
        UInt32(truncatingIfNeeded: try checked(gbx_filesystem_magic(descriptor), "fstatfs", "descriptor \(descriptor)"))
    }
}
