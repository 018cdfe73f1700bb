internal import Glibc

/// The names in a directory.
package enum DirectoryListing {
    /// Names without `.` and `..`, in the file system's order; names that are no UTF-8 are left out. The descriptor is
    /// borrowed and its position unchanged.
    package static func names(_ directory: Int32) throws(SystemError) -> [String] {
        // An open file of our own: a duplicate would share the position with its owner.
        let number = try retrying("open", "descriptor \(directory)") {
            libc(Glibc.openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC))
        }
        guard let stream = fdopendir(number) else {
            let error = Glibc.errno
            _ = Glibc.close(number)
            throw SystemError(errno: error, operation: "fdopendir", object: "descriptor \(directory)")
        }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            Glibc.errno = 0
            guard let entry = readdir(stream) else {
                if Glibc.errno != 0 { throw SystemError(errno: Glibc.errno, operation: "readdir", object: "descriptor \(directory)") }
                return names
            }
            let nameOffset = MemoryLayout<dirent>.offset(of: \dirent.d_name) ?? 0
            let text = UnsafeRawPointer(entry).advanced(by: nameOffset).assumingMemoryBound(to: CChar.self)
            if let name = String(validatingCString: text), name != ".", name != ".." { names.append(name) }
        }
    }
}
