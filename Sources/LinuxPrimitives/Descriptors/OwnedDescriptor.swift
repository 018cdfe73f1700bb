internal import CLinuxShims
internal import Glibc

/// A file descriptor with one owner, who closes it. It is close-on-exec, whoever made it.
package struct OwnedDescriptor: ~Copyable, Sendable {
    /// The number, borrowed: valid as long as the owner lives. Give the owner a name before asking: a temporary is closed
    /// before the number is used.
    package let rawValue: Int32

    /// Takes ownership of an open descriptor that is already close-on-exec. Nobody else may close it from now on.
    package init(adopting number: Int32) {
        precondition(number >= 0, "a descriptor number is never negative")
        rawValue = number
    }

    deinit {
        // Never repeated on EINTR: Linux has released the number by then, and another thread may own it.
        _ = Glibc.close(rawValue)
    }

    /// Gives the number away, open.
    package consuming func take() -> Int32 {
        let number = rawValue
        discard self
        return number
    }

    package consuming func close() {}

    /// Another descriptor for the same open file, numbered 3 or higher.
    package borrowing func duplicated() throws(SystemError) -> OwnedDescriptor {
        try OwnedDescriptor.duplicating(rawValue)
    }

    /// A descriptor of our own for an open file that somebody else owns.
    package static func duplicating(_ number: Int32) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(adopting: try checked(gbx_duplicate(number, 3), "fcntl F_DUPFD_CLOEXEC", "descriptor \(number)"))
    }

    package borrowing func setNonBlocking(_ on: Bool) throws(SystemError) {
        _ = try checked(gbx_set_nonblocking(rawValue, on ? 1 : 0), "fcntl F_SETFL", "descriptor \(rawValue)")
    }

    package borrowing func isNonBlocking() throws(SystemError) -> Bool {
        try checked(gbx_is_nonblocking(rawValue), "fcntl F_GETFL", "descriptor \(rawValue)") == 1
    }

    package borrowing func isCloseOnExec() throws(SystemError) -> Bool {
        try checked(gbx_is_close_on_exec(rawValue), "fcntl F_GETFD", "descriptor \(rawValue)") == 1
    }
}
