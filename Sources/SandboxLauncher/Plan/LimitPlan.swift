internal import CLinuxShims
internal import SandboxPolicy

/// A policy's limits as rlimits of the tool's process. Defaults without a policy key: peers.md 6.5.
enum LimitPlan {
    /// - Parameter countsMemory: a cgroup counts the tree's memory. Without one the address space and the data of each process
    ///   are bounded too, since polling sees a fast allocation only after the fact.
    static func resourceLimits(_ limits: Limits, countsMemory: Bool) -> [ResourceLimit] {
        let cpuSeconds = max(1, limits.cpuMilliseconds.clampedPlus(999) / 1000)
        var all = [
            // SIGXCPU at the limit, SIGKILL a second later: at the same moment only the second would come, and tell nothing.
            ResourceLimit(resource: UInt32(GBX_RLIMIT_CPU), soft: cpuSeconds, hard: cpuSeconds + 1, name: LimitName.cpu.rawValue),
            fixed(GBX_RLIMIT_FSIZE, limits.fileBytes, .file),
            fixed(GBX_RLIMIT_NOFILE, limits.openFiles, .openFiles),
            // Counted per user namespace (Linux 5.14), so it is this sandbox's own number; one is the init's. Where a cgroup
            // counts as well it is to refuse first, since only it tells how often.
            fixed(GBX_RLIMIT_NPROC, limits.pids.clampedPlus(countsMemory ? 2 : 1), .pids),
            ResourceLimit(resource: UInt32(GBX_RLIMIT_CORE), soft: 0, hard: 0, name: "core"),
            ResourceLimit(resource: UInt32(GBX_RLIMIT_STACK), soft: 8 << 20, hard: 64 << 20, name: "stack"),
            ResourceLimit(resource: UInt32(GBX_RLIMIT_MEMLOCK), soft: 64 << 10, hard: 64 << 10, name: "memlock"),
            ResourceLimit(resource: UInt32(GBX_RLIMIT_SIGPENDING), soft: 256, hard: 256, name: "sigpending"),
            ResourceLimit(resource: UInt32(GBX_RLIMIT_MSGQUEUE), soft: 0, hard: 0, name: "msgqueue"),
            ResourceLimit(resource: UInt32(GBX_RLIMIT_NICE), soft: 0, hard: 0, name: "nice"),
            ResourceLimit(resource: UInt32(GBX_RLIMIT_RTPRIO), soft: 0, hard: 0, name: "rtprio"),
        ]
        if !countsMemory {
            // RLIMIT_DATA counts private writable memory (4.7), not reservations: Go and the JVM reserve far more than they use.
            all.append(fixed(GBX_RLIMIT_DATA, limits.memoryBytes, .memory))
            let addressSpace = max(4 << 30, limits.memoryBytes.clampedTimes(8))
            all.append(fixed(GBX_RLIMIT_AS, addressSpace, .memory))
        }
        return all
    }

    private static func fixed(_ resource: Int32, _ value: UInt64, _ name: LimitName) -> ResourceLimit {
        ResourceLimit(resource: UInt32(resource), soft: value, hard: value, name: name.rawValue)
    }
}
