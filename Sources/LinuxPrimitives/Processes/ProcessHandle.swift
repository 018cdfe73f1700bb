internal import CLinuxShims
internal import Glibc

/// How a process ended, and what it used.
package struct ProcessExit: Sendable, Equatable {
    package enum Reason: Sendable, Equatable {
        /// 0…255
        case exited(Int32)
        case signaled(Int32)
    }
    package let reason: Reason
    /// CPU time of the process and of the children it waited for, microseconds.
    package let userMicroseconds: UInt64
    package let systemMicroseconds: UInt64
    /// Largest resident set of one of them, bytes.
    package let peakBytes: UInt64
}

/// One process, held by pidfd: its number cannot come to mean another one.
package struct ProcessHandle: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor
    /// In our pid namespace; for display.
    package let pid: Int32

    package init(adopting descriptor: consuming OwnedDescriptor, pid: Int32) {
        self.descriptor = descriptor
        self.pid = pid
    }

    /// The process that has this number now. ESRCH when there is none.
    package init(pid: Int32) throws(SystemError) {
        self.init(adopting: OwnedDescriptor(adopting: try checked(gbx_pidfd_open(pid), "pidfd_open", "pid \(pid)")), pid: pid)
    }

    /// The process at the other end of a connected unix socket, as it was when it connected. ENOPROTOOPT before Linux 6.5.
    package static func peer(ofSocket socket: Int32) throws(SystemError) -> ProcessHandle {
        let pid = try PeerCredentials.of(socket: socket).pid
        let pidfd = try checked(gbx_peer_pidfd(socket), "getsockopt SO_PEERPIDFD", "descriptor \(socket)")
        return ProcessHandle(adopting: OwnedDescriptor(adopting: pidfd), pid: pid)
    }

    /// The thread that has this number now. Before Linux 6.9 the process that it belongs to.
    package init(thread tid: Int32) throws(SystemError) {
        var number = gbx_pidfd_open_thread(tid)
        if number == -EINVAL { number = gbx_pidfd_open(try Self.process(ofThread: tid)) }
        self.init(adopting: OwnedDescriptor(adopting: try checked(number, "pidfd_open", "thread \(tid)")), pid: tid)
    }

    private static func process(ofThread tid: Int32) throws(SystemError) -> Int32 {
        let status = try SmallFile.text("/proc/\(tid)/status")
        guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("Tgid:") }),
            let number = Int32(line.dropFirst(5).drop { $0 == " " || $0 == "\t" })
        else { throw SystemError(errno: ESRCH, operation: "pidfd_open", object: "thread \(tid)") }
        return number
    }

    /// A descriptor of ours for an open file of the process. EBADF when it has none by that number; EPERM when we may not
    /// trace it.
    package borrowing func copy(ofDescriptor number: Int32) throws(SystemError) -> SharedDescriptor {
        SharedDescriptor(
            adopting: try checked(gbx_pidfd_getfd(descriptor.rawValue, number), "pidfd_getfd", "descriptor \(number) of \(pid)"))
    }

    /// The pidfd, for `poll`: readable once the process has ended.
    package var rawValue: Int32 { descriptor.rawValue }

    /// Gives the pidfd away.
    package consuming func takeDescriptor() -> Int32 {
        descriptor.take()
    }

    /// Signals without asking how it went: a process that has ended needs no signal.
    internal static func signal(pidfd: Int32, _ signal: Int32) {
        _ = gbx_pidfd_send_signal(pidfd, signal)
    }

    /// Whether it has ended, reaped or not.
    package borrowing func isFinished() throws(SystemError) -> Bool {
        try Polling.wait(descriptor.rawValue, for: .readable, deadline: 0)
    }

    /// Sends a signal; 0 only asks whether that would be possible. False when the process has ended and was reaped.
    @discardableResult
    package borrowing func kill(_ signal: Int32) throws(SystemError) -> Bool {
        do {
            _ = try checked(gbx_pidfd_send_signal(descriptor.rawValue, signal), "pidfd_send_signal", "pid \(pid)")
            return true
        } catch  where error.errno == ESRCH {
            return false
        }
    }

    /// Waits for a child of ours to end, and reaps it. ECHILD when it is no child, or was reaped before.
    package borrowing func wait() throws(SystemError) -> ProcessExit {
        while true {
            if let exit = try reap(options: 0) { return exit }
        }
    }

    /// Reaps a child of ours that has ended; nil while it runs.
    package borrowing func reapIfFinished() throws(SystemError) -> ProcessExit? {
        try reap(options: GBX_WAIT_NOHANG)
    }

    private borrowing func reap(options: Int32) throws(SystemError) -> ProcessExit? {
        var exit = gbx_exit()
        let pidfd = descriptor.rawValue
        _ = try retrying("waitid", "pid \(pid)") { gbx_wait_pidfd(pidfd, options, &exit) }
        guard exit.finished != 0 else { return nil }
        return ProcessExit(
            reason: exit.signaled != 0 ? .signaled(exit.value) : .exited(exit.value), userMicroseconds: exit.user_us,
            systemMicroseconds: exit.system_us, peakBytes: exit.peak_bytes)
    }
}
