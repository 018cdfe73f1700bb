internal import CLinuxShims
internal import Glibc
internal import Synchronization

/// A host user and group id (the same number) that no other run on this host uses while the lease lives.
///
/// Two runs with the same host id could signal, trace and read each other where namespaces do not separate them, and would
/// share per-user limits (RLIMIT_NPROC, keyrings, inotify). A number is taken by binding the abstract unix socket
/// `\0glovebox/uid/<number>`: the kernel gives it to one process at a time and frees it when the holder dies, without a
/// file to clean up. Any user of the same network namespace can bind such a name too; all they gain is that we use another
/// number. Supervisors in different network namespaces do not see each other's leases.
package struct HostIdentityLease: ~Copyable, Sendable {
    /// Outside the ranges for subordinate ids of users (/etc/subuid, usually from 100,000 or 524,288) and for systemd's
    /// containers (524,288…1,879,048,191), and below 2^31, which some programs take for negative.
    package static let base: UInt32 = 1_900_000_000
    package static let count: UInt32 = 65_536

    /// uid and gid of the run on the host.
    package let id: UInt32
    /// The bound socket, owned.
    private let socket: Int32

    /// Numbers that this process used before, the last one on top: the kernel's per-user records for it are still warm.
    private static let freed = Mutex<[UInt32]>([])

    /// Takes a free number. EADDRINUSE when all are taken.
    package init() throws(SystemError) {
        // Spread by pid, so that supervisors which start together do not try the same numbers. 257 is prime to the count.
        let start = UInt32(truncatingIfNeeded: getpid()) &* 257
        var preferred = HostIdentityLease.freed.withLock { $0.popLast() }
        var offset: UInt32 = 0
        while offset < HostIdentityLease.count {
            let candidate: UInt32
            if let again = preferred {
                candidate = again
                preferred = nil
            } else {
                candidate = HostIdentityLease.base + (start &+ offset) % HostIdentityLease.count
                offset += 1
            }
            let name = "glovebox/uid/\(candidate)"
            let result = gbx_bind_abstract(name, name.utf8.count)
            if result == -EADDRINUSE { continue }
            socket = try checked(result, "bind", "@\(name)")
            id = candidate
            return
        }
        throw SystemError(errno: EADDRINUSE, operation: "lease of a host identity")
    }

    deinit {
        _ = Glibc.close(socket) // before the number is offered again
        HostIdentityLease.freed.withLock { $0.append(id) }
    }

    /// Gives the number back.
    package consuming func release() {}
}
