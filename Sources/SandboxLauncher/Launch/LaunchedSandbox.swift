internal import CLaunchABI
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
