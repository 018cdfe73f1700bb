internal import CLinuxShims
internal import Glibc

/// A system call that failed: which one, on what, and why.
package struct SystemError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Positive errno.
    package let errno: Int32
    /// The call as the manual names it, for example `openat2`.
    package let operation: String
    /// What it was about: a path, a name, `pid 12`.
    package let object: String?

    package init(errno: Int32, operation: String, object: String? = nil) {
        self.errno = errno
        self.operation = operation
        self.object = object
    }

    /// `ENOENT`, or the number when it has no name.
    package var symbol: String {
        gbx_errno_symbol(errno).map { String(cString: $0) } ?? "errno \(errno)"
    }

    /// One line: call, object, symbol, text, and what to do where we know it.
    package var description: String {
        let about = object.map { " \($0)" } ?? ""
        let advice = hint.map { "; \($0)" } ?? ""
        return "\(operation)\(about): \(symbol) (\(String(cString: gbx_errno_text(errno))))\(advice)"
    }

    /// What a person can do about it, for the failures that have a usual cause.
    package var hint: String? {
        switch (operation, errno) {
        case (_, EMFILE): "raise the limit on open files (ulimit -n)"
        case (_, ENFILE): "the host's file table is full (fs.file-max)"
        case ("openat2", ELOOP): "the path passes through a symbolic link, which is refused here; name the real path"
        case ("openat2", EXDEV): "the path leaves the directory or the file system it must stay in"
        case ("openat2", ENOSYS): "Linux 5.6 or newer is needed"
        case ("pidfd_open", ENOSYS): "Linux 5.3 or newer is needed"
        case ("process_vm_readv", EPERM):
            "reading another process's memory needs the same user or CAP_SYS_PTRACE, and kernel.yama.ptrace_scope below 3"
        case ("memfd_create", EACCES): "vm.memfd_noexec=2 on this host refuses memory files that may be executed"
        case ("lease of a host identity", EADDRINUSE): "all identities for concurrent runs are taken; wait for runs to end"
        case ("posix_spawn", ENOENT): "the launcher is missing; it is installed beside the glovebox program"
        case ("recvmsg", EMSGSIZE): "the peer sent a larger message or more descriptors than the protocol allows"
        default: nil
        }
    }

    /// A non-blocking descriptor has nothing to give or take now.
    package var isWouldBlock: Bool { errno == EAGAIN || errno == EWOULDBLOCK }
}

/// Turns the shims' convention (a value, or a negated errno) into the value or an error.
internal func checked<Value: SignedInteger>(
    _ result: Value, _ operation: String, _ object: @autoclosure () -> String? = nil
) throws(SystemError) -> Value {
    guard result < 0 else { return result }
    throw SystemError(errno: Int32(-result), operation: operation, object: object())
}

/// The same, repeating a call that a signal interrupted. Never for `close`.
internal func retrying<Value: SignedInteger>(
    _ operation: String, _ object: @autoclosure () -> String? = nil, _ call: () -> Value
) throws(SystemError) -> Value {
    while true {
        let result = call()
        if result == -Value(EINTR) { continue }
        return try checked(result, operation, object())
    }
}

/// A libc call's convention (-1 and errno) as the shims' one. The errno is read at once: anything else may overwrite it.
internal func libc<Value: SignedInteger>(_ result: Value) -> Value {
    guard result < 0 else { return result }
    return -Value(Glibc.errno)
}
