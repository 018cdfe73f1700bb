internal import Glibc

/// The mounts of this process's namespace: says when they have changed.
package struct MountTable: ~Copyable, Sendable {
    private let file: OwnedDescriptor

    package init() throws(SystemError) {
        let path = "/proc/self/mountinfo" // a link, and the kernel's own
        file = OwnedDescriptor(adopting: try retrying("open", path) { libc(Glibc.open(path, O_RDONLY | O_CLOEXEC)) })
        _ = hasChanged() // the first look only notes how it is
    }

    /// Whether something was mounted, unmounted or set otherwise since the last look. True when that cannot be told.
    package borrowing func hasChanged() -> Bool {
        var entry = pollfd(fd: file.rawValue, events: Int16(POLLPRI), revents: 0)
        return poll(&entry, 1, 0) != 0
    }
}
