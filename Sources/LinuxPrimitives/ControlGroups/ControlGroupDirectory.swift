internal import CLinuxShims
internal import Glibc

/// One cgroup directory that this process made, in one hierarchy. It stays until `remove()`.
internal final class ControlGroupDirectory: Sendable {
    let name: String
    /// The group above, borrowed from its hierarchy, which lives as long as the pool.
    private let hierarchy: ControlGroupHierarchy
    /// Holds the lock that tells a sweep, in whatever pid namespace, that the group has a living owner.
    let descriptor: OwnedDescriptor

    /// Makes the directory. EEXIST when the name is taken.
    init(name: String, in hierarchy: ControlGroupHierarchy) throws(SystemError) {
        let above = hierarchy.descriptor.rawValue
        let object = "\(hierarchy.path)/\(name)"
        _ = try checked(libc(mkdirat(above, name, 0o755)), "mkdir", object)
        do {
            descriptor = OwnedDescriptor(
                adopting: try checked(libc(openat(above, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)), "open", object))
        } catch {
            _ = unlinkat(above, name, AT_REMOVEDIR)
            throw error
        }
        _ = gbx_try_lock(descriptor.rawValue) // without it, pid and start time still protect the group
        self.name = name
        self.hierarchy = hierarchy
    }

    /// The directory, for messages.
    var path: String { "\(hierarchy.path)/\(name)" }

    func write(_ text: String, to file: String) throws(SystemError) {
        do {
            try SmallFile.write(text, to: file, in: descriptor.rawValue)
        } catch {
            throw SystemError(errno: error.errno, operation: error.operation, object: "\(path)/\(file)")
        }
    }

    func exists(_ file: String) -> Bool {
        faccessat(descriptor.rawValue, file, F_OK, 0) == 0
    }

    func open(_ file: String, flags: Int32) throws(SystemError) -> OwnedDescriptor {
        let directory = descriptor.rawValue
        return OwnedDescriptor(
            adopting: try retrying("open", "\(path)/\(file)") { libc(openat(directory, file, flags | O_CLOEXEC)) })
    }

    /// `memory.peak`, for resetting where the kernel can (Linux 6.12), else for reading.
    func openPeak() throws(SystemError) -> OwnedDescriptor {
        do {
            return try open("memory.peak", flags: O_RDWR)
        } catch  where error.errno == EACCES {
            return try open("memory.peak", flags: O_RDONLY)
        }
    }

    /// Numbers of the processes inside, in our pid namespace.
    func processes() throws(SystemError) -> [Int32] {
        try ControlGroupProcesses.list(descriptor.rawValue)
    }

    /// Removes the directory. EBUSY while a process is inside.
    func remove() throws(SystemError) {
        try hierarchy.remove(name)
    }
}

/// The supervisor's own cgroup in one hierarchy: everything we make is directly below it.
internal final class ControlGroupHierarchy: Sendable {
    let path: String
    let descriptor: OwnedDescriptor

    init(path: String) throws(SystemError) {
        self.path = path
        descriptor = try PathResolution.openDirectory(path: path, resolve: .ordinary)
    }

    func remove(_ name: String) throws(SystemError) {
        let result = libc(unlinkat(descriptor.rawValue, name, AT_REMOVEDIR))
        if result == -ENOENT { return }
        _ = try checked(result, "rmdir", "\(path)/\(name)")
    }
}
