internal import CLaunchABI
internal import Glibc
internal import LinuxPrimitives
internal import Synchronization

/// What is one sandbox's own as long as it lives: its ids on the host, when the supervisor is root, and its cgroup. Both are free
/// again with the last reference.
final class SandboxLeases: Sendable {
    let identity: HostIdentityLease?
    let cgroup: ControlGroupLease?

    init(identity: consuming HostIdentityLease?, cgroup: consuming ControlGroupLease?) {
        self.identity = consume identity
        self.cgroup = consume cgroup
    }

    var hostID: UInt32? {
        switch identity {
        case .some(let lease): lease.id
        case nil: nil
        }
    }

    var hasCgroup: Bool { cgroup != nil }

    /// Numbers for the launcher, and the flag that says what they are.
    var groups: (descriptors: [Int32], flags: UInt32) {
        switch cgroup {
        case .some(let lease): (lease.descriptors, lease.isUnified ? GB_REQUEST_CGROUP_V2.rawValue : 0)
        case nil: ([], 0)
        }
    }

    /// Bytes charged to it; nil without a cgroup.
    var memoryBytes: UInt64? {
        switch cgroup {
        case .some(let lease): lease.currentMemory()
        case nil: nil
        }
    }
}

/// A sandbox from its making to its end: ours of its socket, its init as soon as that is known, and what it has leased.
final class LaunchedSandbox: Sendable {
    /// The owners of both. They go to the run.
    struct Ends: ~Copyable, Sendable {
        var status: OwnedDescriptor?
        /// Nil until the launcher has said LAUNCHED.
        var process: ProcessHandle?
        /// In our pid namespace.
        var initPID: Int32 = 0
    }

    let leases: SandboxLeases
    private let ends: Mutex<Ends>

    init(status: consuming OwnedDescriptor, leases: SandboxLeases) {
        self.leases = leases
        ends = Mutex(Ends(status: consume status, process: nil))
    }

    /// Both, once.
    func takeEnds() -> Ends {
        ends.withLock { ends in
            Ends(status: ends.status.take(), process: ends.process.take(), initPID: ends.initPID)
        }
    }

    func launched(_ process: consuming ProcessHandle) {
        var process: ProcessHandle? = consume process
        ends.withLock { ends in
            ends.process = process.take()
            ends.initPID = ends.process.processIdentifier
        }
    }

    /// In our pid namespace; 0 before it is known.
    var initPID: Int32 { ends.withLock { $0.initPID } }

    /// For an init that was told to leave, nanoseconds; then again, for one that was killed.
    private static let endPatience: UInt64 = 1_000_000_000

    /// Ends a sandbox that serves nobody: its init leaves when its socket closes. False when a process of it may still be alive; what it
    /// has leased is then not free yet.
    func end() -> Bool {
        let deadline = MonotonicClock.now() + Self.endPatience
        guard isKnown(until: deadline) else { return false }
        ends.withLock { $0.status = nil }
        guard let pidfd = numbers.pidfd else { return true }
        if (try? Polling.wait(pidfd, for: .readable, deadline: deadline)) == true { return true }
        ends.withLock { _ = try? $0.process?.kill(SIGKILL) }
        return (try? Polling.wait(pidfd, for: .readable, deadline: MonotonicClock.now() + Self.endPatience)) == true
    }

    /// Whether its init lives and nobody has taken it.
    var isAlive: Bool {
        guard let pidfd = numbers.pidfd else { return false }
        return (try? Polling.wait(pidfd, for: .readable, deadline: 0)) == false
    }

    /// The last process of it has gone.
    var hasEnded: Bool {
        guard isKnown(until: 0) else { return false }
        guard let pidfd = numbers.pidfd else { return true }
        return (try? Polling.wait(pidfd, for: .readable, deadline: 0)) == true
    }

    /// A request that is on its way may still become a process: until the launcher says so, or its end of the socket closes. False when
    /// that is still open.
    private func isKnown(until deadline: UInt64) -> Bool {
        while numbers.pidfd == nil, let number = numbers.status {
            guard (try? Polling.wait(number, for: .readable, deadline: deadline)) == true else { return false }
            guard var received = try? DescriptorMessage.receive(on: number, maxBytes: LaunchMessage.size, maxDescriptors: 1),
                let message = LaunchMessage(received.bytes)
            else { break }
            guard message.kind == .launched, let pidfd = received.takeDescriptor(0) else { continue }
            launched(ProcessHandle(adopting: pidfd, pid: message.pid))
        }
        return true
    }

    /// Borrowed numbers; nil where the owner has gone to the run.
    var numbers: (status: Int32?, pidfd: Int32?) { ends.withLock { ($0.status.number, $0.process.number) } }

    /// Our end, and that of the sandbox.
    static func statusPair() throws(LaunchError) -> DescriptorPair {
        do {
            return try SocketPair.sequencedPacket()
        } catch {
            throw LaunchError(.exhausted, "no socket for a sandbox: \(error)", mend: "raise the limit on open files (ulimit -n)")
        }
    }
}

extension Optional where Wrapped == ProcessHandle {
    fileprivate var processIdentifier: Int32 {
        switch self {
        case .some(let handle): handle.pid
        case nil: 0
        }
    }
}
