/// A cgroup that belongs to one run. Its end kills what is inside and gives the group back.
package struct ControlGroupLease: ~Copyable, Sendable {
    private let group: ControlGroup
    private let pool: ControlGroupPool

    internal init(group: ControlGroup, pool: ControlGroupPool) {
        self.group = group
        self.pool = pool
    }

    deinit {
        pool.takeBack(group)
    }

    /// Name of the group, for messages.
    package var name: String { group.name }

    /// True: `descriptors` is one cgroup v2 directory, for CLONE_INTO_CGROUP. False: `tasks` of each v1 hierarchy,
    /// memory first, open for writing.
    package var isUnified: Bool { group.isUnified }

    /// Borrowed numbers, valid as long as the lease.
    package var descriptors: [Int32] { group.descriptors }

    /// What happened since the lease began.
    package borrowing func events() -> ControlGroupEvents { group.events() }

    /// Most memory in use at once since the lease began, bytes; nil when the kernel does not tell. It counts what the kernel
    /// charges to the group: page cache and the sandbox's own /tmp too.
    package borrowing func peakMemory() -> UInt64? { group.peakMemory() }

    /// Memory in use now, bytes.
    package borrowing func currentMemory() -> UInt64? { group.currentMemory() }

    /// Processes inside, by number in our pid namespace, ascending.
    package borrowing func processes() throws(SystemError) -> [Int32] { try group.processes() }

    /// Kills every process inside; they end soon after. Nothing can be forked inside from then on.
    package borrowing func killAll() throws(SystemError) { try group.kill() }

    /// Ends the lease.
    package consuming func release() {}
}
