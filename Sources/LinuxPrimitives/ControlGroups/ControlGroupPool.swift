internal import Glibc
internal import Synchronization

/// Cgroups for runs, made directly below the supervisor's own group and used again: attaching to a group that is there costs
/// a tenth of making and removing one.
package final class ControlGroupPool: Sendable {
    /// True: v2, a lease's one descriptor is a directory. False: v1, its descriptors are `tasks` files, into which a single-threaded process writes 0.
    package let isUnified: Bool
    private let memory: ControlGroupHierarchy
    private let pids: ControlGroupHierarchy
    private let delegation: ControlGroupDelegation?
    /// Empty groups that are kept; more than that many are removed.
    private let capacity: Int
    private let groups = Mutex(Groups())

    private struct Groups {
        var idle: [ControlGroup] = []
        /// Released, but processes in them were still ending.
        var ending: [ControlGroup] = []
        var isShutDown = false
    }

    /// How long `shutDown` waits for killed processes to end, nanoseconds.
    private static let shutDownPatience: UInt64 = 2_000_000_000

    /// Opens the pool: sweeps what dead supervisors left, and makes a first group, which proves that it can be done.
    /// In cgroup v2 the calling process may move into a group of its own below; call it before starting any child.
    ///
    /// - Parameter sweeps: false leaves the sweep to the caller, who has more time later.
    package init(
        _ placement: ControlGroupPlacement = KernelFacts.controlGroups, capacity: Int = 8, sweeps: Bool = true
    ) throws(ControlGroupUnavailable) {
        self.capacity = capacity
        switch placement {
        case .unavailable(let reason):
            throw ControlGroupUnavailable(reason: reason)
        case .v1(let memoryPath, let pidsPath):
            isUnified = false
            memory = try ControlGroupPool.open(memoryPath)
            pids = memoryPath == pidsPath ? memory : try ControlGroupPool.open(pidsPath)
            delegation = nil
        case .v2(let path):
            isUnified = true
            memory = try ControlGroupPool.open(path)
            pids = memory
            delegation = try ControlGroupDelegation.prepare(memory)
        }
        if sweeps { sweep() }
        do {
            let first = try makeGroup()
            groups.withLock { $0.idle.append(first) }
        } catch {
            delegation?.undo(memory)
            throw ControlGroupUnavailable(reason: error.description)
        }
    }

    deinit {
        shutDown()
    }

    /// Removes what supervisors that died left behind.
    package func sweep() {
        ControlGroupSweep.run(memory)
        if pids !== memory { ControlGroupSweep.run(pids) }
    }

    private static func open(_ path: String) throws(ControlGroupUnavailable) -> ControlGroupHierarchy {
        do {
            return try ControlGroupHierarchy(path: path)
        } catch {
            throw ControlGroupUnavailable(reason: error.description)
        }
    }

    private func makeGroup() throws(SystemError) -> ControlGroup {
        while true {
            do {
                return try ControlGroup(name: ControlGroupName.next().text, memory: memory, pids: pids, isUnified: isUnified)
            } catch  where error.errno == EEXIST {
                // A supervisor with our pid and start time in another pid namespace: the next number is free.
            }
        }
    }

    /// An empty group with these limits, for one run. `pids` counts everything inside, the sandbox's own init too.
    package func lease(memoryBytes: UInt64, pids maximum: UInt64) throws(SystemError) -> ControlGroupLease {
        settleEnding()
        let idle = try groups.withLock { (groups) throws(SystemError) -> ControlGroup? in
            if groups.isShutDown { throw SystemError(errno: ESHUTDOWN, operation: "lease of a cgroup") }
            return groups.idle.popLast()
        }
        let group = if let idle { idle } else { try makeGroup() }
        do {
            try group.limit(memoryBytes: memoryBytes, pids: maximum)
        } catch {
            try? group.remove()
            throw error
        }
        return ControlGroupLease(group: group, pool: self)
    }

    /// Takes a group back when its lease ends. Never waits: what is still ending is looked at again later.
    internal func takeBack(_ group: ControlGroup) {
        groups.withLock { $0.ending.append(group) }
        settleEnding()
    }

    /// Moves released groups that are empty by now to the idle ones, or removes them.
    private func settleEnding() {
        let (candidates, mayKeep) = groups.withLock { groups -> ([ControlGroup], Bool) in
            defer { groups.ending = [] }
            return (groups.ending, !groups.isShutDown)
        }
        for group in candidates {
            // The kernel removes no group that holds a process.
            if !mayKeep, (try? group.remove()) != nil { continue }
            let isEmpty = (try? group.processes()) == []
            if isEmpty, mayKeep, group.reset(), keep(group) { continue }
            if isEmpty, (try? group.remove()) != nil { continue }
            if !isEmpty { try? group.kill() } // a fork that was under way when it was killed before
            groups.withLock { $0.ending.append(group) }
        }
    }

    private func keep(_ group: ControlGroup) -> Bool {
        groups.withLock { groups in
            guard !groups.isShutDown, groups.idle.count < capacity else { return false }
            groups.idle.append(group)
            return true
        }
    }

    /// No run follows: groups that come back are removed instead of being made ready for the next.
    package func retire() { groups.withLock { $0.isShutDown = true } }

    /// Removes every group, killing what is left in released ones. Groups on lease go when their lease ends.
    /// Returns the names of those that would not go within two seconds; the next supervisor sweeps them.
    @discardableResult
    package func shutDown() -> [String] {
        groups.withLock { groups in
            groups.isShutDown = true
            groups.ending += groups.idle
            groups.idle = []
        }
        let deadline = MonotonicClock.now() + ControlGroupPool.shutDownPatience
        settleEnding()
        while true {
            let rest = groups.withLock { $0.ending }
            if rest.isEmpty {
                delegation?.undo(memory)
                return []
            }
            if MonotonicClock.now() >= deadline { return rest.map(\.name) }
            for group in rest { try? group.kill() }
            _ = poll(nil, 0, 1) // v1 has no event for "empty"
            settleEnding()
        }
    }
}
