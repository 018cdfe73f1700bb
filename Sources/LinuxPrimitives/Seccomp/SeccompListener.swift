internal import CLinuxShims
internal import Glibc

/// A system call that a filter refused to decide: the caller waits for our answer.
package struct SeccompNotification: Sendable, Equatable {
    package let id: UInt64
    /// Of the calling thread, in our pid namespace; 0 when it is not visible there.
    package let pid: Int32
    /// System call number of `architecture`.
    package let number: Int32
    /// AUDIT_ARCH_*
    package let architecture: UInt32
    package let instructionPointer: UInt64
    /// The six raw arguments. Pointers are addresses in the caller.
    package let arguments: [UInt64]

    package init(id: UInt64, pid: Int32, number: Int32, architecture: UInt32, instructionPointer: UInt64, arguments: [UInt64]) {
        self.id = id
        self.pid = pid
        self.number = number
        self.architecture = architecture
        self.instructionPointer = instructionPointer
        self.arguments = arguments
    }
}

/// The supervisor's end of a filter with SECCOMP_RET_USER_NOTIF.
///
/// A call that is decided is never told to go on: the kernel would read the call's memory again, which the caller may have changed
/// since. Such a call is refused, given a value, or given a descriptor that we opened. `proceed` is for calls that were only looked at.
package struct SeccompListener: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor

    package init(adopting descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }

    /// For `poll`: POLLIN when a call waits, POLLHUP when no process uses the filter any more.
    package var rawValue: Int32 { descriptor.rawValue }

    /// The next waiting call; nil when its caller died meanwhile. Poll first: it waits when there is none.
    package borrowing func receive() throws(SystemError) -> SeccompNotification? {
        var record = gbx_notification()
        let number = descriptor.rawValue
        do {
            _ = try retrying("ioctl SECCOMP_IOCTL_NOTIF_RECV") { gbx_notification_receive(number, &record) }
        } catch  where error.errno == ENOENT {
            return nil
        }
        return SeccompNotification(
            id: record.id, pid: Int32(bitPattern: record.pid), number: record.nr, architecture: record.arch,
            instructionPointer: record.ip,
            arguments: [record.args.0, record.args.1, record.args.2, record.args.3, record.args.4, record.args.5])
    }

    /// Fails the call with an errno, 1…4095. False when the caller no longer waits.
    @discardableResult
    package borrowing func answer(_ id: UInt64, errno: Int32) throws(SystemError) -> Bool {
        try stillWaiting("SECCOMP_IOCTL_NOTIF_SEND", gbx_notification_answer_error(descriptor.rawValue, id, errno)) != nil
    }

    /// Lets the call return a value without having happened. False when the caller no longer waits.
    @discardableResult
    package borrowing func answer(_ id: UInt64, value: Int64) throws(SystemError) -> Bool {
        try stillWaiting("SECCOMP_IOCTL_NOTIF_SEND", gbx_notification_answer_value(descriptor.rawValue, id, value)) != nil
    }

    /// Lets a call go on that would be allowed whatever it names, and was stopped to be seen. False when the caller no longer waits.
    @discardableResult
    package borrowing func proceed(_ id: UInt64) throws(SystemError) -> Bool {
        try stillWaiting("SECCOMP_IOCTL_NOTIF_SEND", gbx_notification_continue(descriptor.rawValue, id)) != nil
    }

    /// Gives the caller a copy of `source` and answers its call with the number, atomically. Nil when it no longer waits.
    ///
    /// - Parameter replacing: the number that it gets in the caller, closing what is there (dup2); nil: the lowest free one.
    @discardableResult
    package borrowing func install(
        _ id: UInt64, descriptor source: Int32, closeOnExec: Bool, replacing: Int32? = nil
    ) throws(SystemError) -> Int32? {
        try add(id, source, closeOnExec: closeOnExec, replacing: replacing, answering: true)
    }

    /// Puts a copy of `source` into the caller and leaves the call waiting: an answer must follow.
    package borrowing func insert(
        _ id: UInt64, descriptor source: Int32, closeOnExec: Bool, replacing: Int32? = nil
    ) throws(SystemError) -> Int32? {
        try add(id, source, closeOnExec: closeOnExec, replacing: replacing, answering: false)
    }

    /// Whether the caller still waits: only then do its pid and its memory belong to the call.
    package borrowing func isValid(_ id: UInt64) throws(SystemError) -> Bool {
        try checked(gbx_notification_is_valid(descriptor.rawValue, id), "ioctl SECCOMP_IOCTL_NOTIF_ID_VALID") == 1
    }

    private borrowing func add(
        _ id: UInt64, _ source: Int32, closeOnExec: Bool, replacing: Int32?, answering: Bool
    ) throws(SystemError) -> Int32? {
        if let replacing, replacing < 0 { throw SystemError(errno: EBADF, operation: "ioctl SECCOMP_IOCTL_NOTIF_ADDFD") }
        let listener = descriptor.rawValue
        while true {
            let result = gbx_notification_add_descriptor(
                listener, id, source, replacing ?? -1, closeOnExec ? 1 : 0, answering ? 1 : 0)
            if result != -EINTR { return try stillWaiting("SECCOMP_IOCTL_NOTIF_ADDFD", result) }
        }
    }

    /// ENOENT: the caller died or a signal took it out of the call; EINPROGRESS: it was answered before.
    private borrowing func stillWaiting(_ request: String, _ result: Int32) throws(SystemError) -> Int32? {
        if result == -ENOENT || result == -EINPROGRESS { return nil }
        return try checked(result, "ioctl \(request)")
    }
}
