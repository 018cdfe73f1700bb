internal import CLinuxShims
internal import Glibc
internal import LinuxPrimitives
internal import TestSupport
internal import Testing

/// Whether this host lets us have cgroups; if not, why.
private let obstacle: String? = {
    do throws(ControlGroupUnavailable) {
        try ControlGroupPool().shutDown()
        return nil
    } catch {
        return error.reason
    }
}()

@Suite(.serialized, .enabled(if: obstacle == nil, "cgroups are not available: \(obstacle ?? "")"))
struct ControlGroupPoolTests {
    /// Directories of the supervisor's own group, one per hierarchy.
    private static var ownGroups: [String] {
        switch KernelFacts.controlGroups {
        case .v1(let memory, let pids): memory == pids ? [memory] : [memory, pids]
        case .v2(let path): [path]
        case .unavailable: []
        }
    }

    /// Where the group of a lease is, memory first.
    private static func directories(_ name: String) -> [String] { ownGroups.map { "\($0)/\(name)" } }

    private static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// A shell that waits for a line on descriptor 3 before it does something, so that it can be put into a group first. It ends
    /// with its test, however that goes.
    private struct WaitingShell: ~Copyable {
        let process: ProcessHandle
        private let start: OwnedDescriptor

        init(_ command: String) throws {
            var pair = try SocketPair.stream()
            let ours = pair.takeFirst()
            let theirs = pair.takeSecond()
            process = try SpawnedLauncher.start(
                path: "/bin/sh", arguments: ["sh", "-c", "read line <&3; \(command)"], inheriting: theirs.rawValue)
            start = ours
        }

        func enter(_ lease: borrowing ControlGroupLease) throws {
            for descriptor in lease.descriptors {
                if lease.isUnified {
                    try SmallFile.write("\(process.pid)", to: "cgroup.procs", in: descriptor)
                } else {
                    try Transfer.writeAll(descriptor, Array("\(process.pid)".utf8))
                }
            }
        }

        func go() throws { try Transfer.writeAll(start.rawValue, Array("\n".utf8)) }

        /// How it ended, by itself or by its group's end; an error when that does not come.
        func reason() throws -> ProcessExit.Reason {
            guard try Polling.wait(process.rawValue, for: .readable, deadline: MonotonicClock.now() + 30_000_000_000) else {
                throw SystemError(errno: ETIMEDOUT, operation: "wait", object: "the shell's end")
            }
            return try process.wait().reason
        }

        deinit {
            // Nothing happens to one that was waited for: the pidfd then means no process.
            guard (try? process.kill(SIGKILL)) == true else { return }
            _ = try? process.wait()
        }
    }

    @Test func `a lease has its limits, and its group is used again`() throws {
        let pool = try ControlGroupPool()
        let first = try pool.lease(memoryBytes: 64 << 20, pids: 7)
        let name = first.name
        let directory = Self.directories(name)
        let limitFile = first.isUnified ? "memory.max" : "memory.limit_in_bytes"
        #expect(SmallFile.number("\(directory[0])/\(limitFile)") == 64 << 20)
        #expect(SmallFile.number("\(directory[directory.count - 1])/pids.max") == 7)
        for descriptor in first.descriptors { #expect(fcntl(descriptor, F_GETFD) == FD_CLOEXEC) }
        let second = try pool.lease(memoryBytes: 64 << 20, pids: 7)
        #expect(second.name != name)
        second.release()
        first.release()
        // Larger, then smaller: memory and swap must be set in the right order both times.
        for bytes: UInt64 in [128 << 20, 32 << 20] {
            let again = try pool.lease(memoryBytes: bytes, pids: 9)
            #expect(again.name == name)
            #expect(SmallFile.number("\(directory[0])/\(limitFile)") == bytes)
            if Self.exists("\(directory[0])/memory.memsw.limit_in_bytes") {
                #expect(SmallFile.number("\(directory[0])/memory.memsw.limit_in_bytes") == bytes)
            }
            #expect(SmallFile.number("\(directory[directory.count - 1])/pids.max") == 9)
            again.release()
        }
        #expect(pool.shutDown() == [])
        for path in directory { #expect(!Self.exists(path)) }
        let error = #expect(throws: SystemError.self) { _ = try pool.lease(memoryBytes: 1 << 20, pids: 1) }
        #expect(error?.errno == ESHUTDOWN)
    }

    @Test func `processes are seen, killed and gone with the pool`() throws {
        let pool = try ControlGroupPool()
        let lease = try pool.lease(memoryBytes: 64 << 20, pids: 16)
        let directory = Self.directories(lease.name)
        let shell = try WaitingShell("sleep 1000")
        #expect(try lease.processes().isEmpty)
        try shell.enter(lease)
        #expect(try lease.processes() == [shell.process.pid])
        try lease.killAll()
        #expect(try shell.reason() == .signaled(SIGKILL))
        lease.release()
        // One that is inside at the end of its lease is killed too.
        let second = try pool.lease(memoryBytes: 64 << 20, pids: 16)
        let other = try WaitingShell("sleep 1000")
        try other.enter(second)
        second.release()
        #expect(try other.reason() == .signaled(SIGKILL))
        #expect(pool.shutDown() == [])
        for path in directory { #expect(!Self.exists(path)) }
    }

    @Test func `a refused fork is counted, and not for the next lease`() throws {
        let pool = try ControlGroupPool(capacity: 1)
        let lease = try pool.lease(memoryBytes: 64 << 20, pids: 1)
        let name = lease.name
        let shell = try WaitingShell("exec 2>/dev/null; (exit 0); exit 3")
        try shell.enter(lease)
        try shell.go()
        _ = try shell.reason()
        #expect(lease.events().forksRefused >= 1)
        #expect(lease.events().oomKills == 0)
        lease.release()
        let next = try pool.lease(memoryBytes: 64 << 20, pids: 1)
        #expect(next.name == name || next.isUnified)
        #expect(next.events().forksRefused == 0)
        next.release()
        pool.shutDown()
    }

    @Test func `memory beyond the limit kills, and the peak tells`() throws {
        let pool = try ControlGroupPool()
        let lease = try pool.lease(memoryBytes: 16 << 20, pids: 16)
        // tail keeps a line without end in memory.
        let shell = try WaitingShell("exec tail -n 1 /dev/zero")
        try shell.enter(lease)
        try shell.go()
        #expect(try shell.reason() == .signaled(SIGKILL))
        #expect(lease.events().oomKills >= 1)
        if let peak = lease.peakMemory() { #expect(peak > 8 << 20 && peak <= 16 << 20) }
        lease.release()
        let next = try pool.lease(memoryBytes: 16 << 20, pids: 16)
        #expect(next.events().oomKills == 0)
        if let peak = next.peakMemory() { #expect(peak < 8 << 20) }
        next.release()
        #expect(pool.shutDown() == [])
    }

    @Test func `groups of dead supervisors are swept, others stay`() throws {
        // A process that has ended, with its start time: nobody can have that pair again.
        let dead = try SpawnedLauncher.start(path: "/bin/true", arguments: ["true"], inheriting: 0)
        _ = try dead.wait()
        let own = try #require(Self.ownGroups.first)
        let stat = try SmallFile.text("/proc/self/stat")
        let fields = stat[stat.index(after: try #require(stat.lastIndex(of: ")")))...].split(separator: " ")
        let stale = "\(own)/glovebox-\(dead.pid)-1-1"
        let reused = "\(own)/glovebox-\(getpid())-1-1" // our pid, but not our start time
        let alive = "\(own)/glovebox-\(getpid())-\(fields[19])-999999999"
        let locked = "\(own)/glovebox-\(dead.pid)-1-2"
        let foreign = "\(own)/glovebox-notes"
        let all = [locked, stale, reused, alive, foreign]
        defer { for path in all { rmdir(path) } }
        for path in all { #expect(mkdir(path, 0o755) == 0) }
        let lock = try PathResolution.openDirectory(path: locked)
        #expect(gbx_try_lock(lock.rawValue) == 0)
        // Locked until it is furnished: tests beside this one open pools too.
        let furnishing = try PathResolution.openDirectory(path: stale)
        #expect(gbx_try_lock(furnishing.rawValue) == 0)
        let shell = try WaitingShell("sleep 1000")
        try SmallFile.write("\(shell.process.pid)", to: "cgroup.procs", in: furnishing.rawValue)
        furnishing.close()

        try ControlGroupPool().shutDown()
        #expect(try shell.reason() == .signaled(SIGKILL))
        // The process may have been ending during that sweep; it has ended before this one.
        try ControlGroupPool().shutDown()
        #expect(!Self.exists(stale))
        #expect(!Self.exists(reused))
        for path in [alive, locked, foreign] { #expect(Self.exists(path), "\(path)") }
    }

    @Test func `leases from many threads are all different`() async throws {
        let pool = try ControlGroupPool(capacity: 2)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for _ in 0..<4 {
                tasks.addTask {
                    for _ in 0..<8 {
                        let lease = try pool.lease(memoryBytes: 64 << 20, pids: 5)
                        let other = try pool.lease(memoryBytes: 32 << 20, pids: 5)
                        #expect(lease.name != other.name)
                        #expect(try lease.processes().isEmpty)
                        lease.release()
                        other.release()
                    }
                }
            }
            try await tasks.waitForAll()
        }
        #expect(pool.shutDown() == [])
    }
}

@Suite struct ControlGroupUnavailableTests {
    @Test func `a place where no group can be made gives a reason`() throws {
        let scratch = try ScratchDirectory()
        let plain = #expect(throws: ControlGroupUnavailable.self) {
            _ = try ControlGroupPool(.v1(memory: scratch.path, pids: scratch.path))
        }
        #expect(plain?.reason.contains("tasks") == true)
        let directory = try PathResolution.openDirectory(path: scratch.path)
        #expect(try DirectoryListing.names(directory.rawValue).isEmpty)
        let absent = #expect(throws: ControlGroupUnavailable.self) {
            _ = try ControlGroupPool(.v1(memory: "/nonexistent", pids: "/nonexistent"))
        }
        #expect(absent?.reason.contains("ENOENT") == true)
        try scratch.file("cgroup.controllers", "cpu pids\n")
        let partial = #expect(throws: ControlGroupUnavailable.self) { _ = try ControlGroupPool(.v2(scratch.path)) }
        #expect(partial?.reason.contains("no memory controller") == true)
        try scratch.file("cgroup.controllers", "cpu memory pids\n")
        try scratch.file("cgroup.subtree_control", "cpu\n")
        try scratch.file("cgroup.procs", "1\n\(getpid())\n")
        let crowded = #expect(throws: ControlGroupUnavailable.self) { _ = try ControlGroupPool(.v2(scratch.path)) }
        #expect(crowded?.reason.contains("holds other processes") == true)
        let none = #expect(throws: ControlGroupUnavailable.self) { _ = try ControlGroupPool(.unavailable(reason: "because")) }
        #expect(none?.description == "no cgroups for runs: because")
    }
}
