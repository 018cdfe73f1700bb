internal import Glibc
internal import Synchronization

/// What happened in a cgroup since its lease began.
package struct ControlGroupEvents: Sendable, Equatable {
    /// Processes that the kernel killed for memory.
    package var oomKills: UInt64
    /// Forks refused by the pids limit.
    package var forksRefused: UInt64
}

/// A cgroup for one run at a time, in both v1 hierarchies or in v2, used again and again.
internal final class ControlGroup: Sendable {
    let isUnified: Bool
    /// In v2, and where v1 mounts memory and pids together, both are the same directory.
    private let memory: ControlGroupDirectory
    private let pids: ControlGroupDirectory
    /// v1: `tasks` of each hierarchy, for writing; v2: the directory.
    ///
    /// `tasks` and not `cgroup.procs`: a thread that writes 0 there moves itself without the kernel's global lock on thread
    /// groups, which costs a grace period of 7 to 12 ms when nobody has moved anything for a while.
    private let entries: [OwnedNumber]
    /// v2, Linux 6.12: `memory.peak`, whose reset counts for this open file alone.
    private let peakFile: OwnedNumber?
    private let memoryEvents: CounterFile
    private let pidsEvents: CounterFile
    private let memoryUsage: CounterFile
    /// v1: `memory.max_usage_in_bytes`.
    private let memoryPeak: CounterFile?
    private let hasSwapAccounting: Bool
    private let state = Mutex(State())

    private struct State {
        /// Limits as they stand in the kernel; nil: none set.
        var memoryBytes: UInt64?
        var pidsMaximum: UInt64?
        /// Counters when the lease began. Without a process inside they do not move, so those of the last release serve.
        var baseline = ControlGroupEvents(oomKills: 0, forksRefused: 0)
    }

    /// Memory that may stay charged to an empty group (page cache that somebody else uses too) before it is thrown away.
    private static let reusableCharge: UInt64 = 16 << 20
    private static let negligibleCharge: UInt64 = 1 << 20

    /// Makes the directories. All or nothing.
    init(name: String, memory memoryHierarchy: ControlGroupHierarchy, pids pidsHierarchy: ControlGroupHierarchy, isUnified: Bool)
        throws(SystemError)
    {
        self.isUnified = isUnified
        let memory = try ControlGroupDirectory(name: name, in: memoryHierarchy)
        var made = [memory]
        do {
            if memoryHierarchy !== pidsHierarchy { made.append(try ControlGroupDirectory(name: name, in: pidsHierarchy)) }
            memoryEvents = try CounterFile(isUnified ? "memory.events" : "memory.oom_control", of: memory)
            pidsEvents = try CounterFile("pids.events", of: made[made.count - 1])
            memoryUsage = try CounterFile(isUnified ? "memory.current" : "memory.usage_in_bytes", of: memory)
            memoryPeak = isUnified ? nil : try CounterFile("memory.max_usage_in_bytes", of: memory)
            if isUnified {
                entries = [OwnedNumber(try memory.open(".", flags: O_RDONLY | O_DIRECTORY))]
                peakFile = memory.exists("memory.peak") ? OwnedNumber(try memory.openPeak()) : nil
                hasSwapAccounting = memory.exists("memory.swap.max")
                if hasSwapAccounting { try memory.write("0", to: "memory.swap.max") }
            } else {
                var opened: [OwnedNumber] = []
                for directory in made { opened.append(OwnedNumber(try directory.open("tasks", flags: O_WRONLY))) }
                entries = opened
                peakFile = nil
                hasSwapAccounting = memory.exists("memory.memsw.limit_in_bytes")
                // Without swap accounting the limit cannot cover swap: then do not swap as long as there is a choice.
                if !hasSwapAccounting { try? memory.write("0", to: "memory.swappiness") }
            }
        } catch {
            for directory in made { try? directory.remove() }
            throw error
        }
        self.memory = memory
        pids = made[made.count - 1]
    }

    var name: String { memory.name }

    var descriptors: [Int32] { entries.map { $0.number } }

    private var directories: [ControlGroupDirectory] { memory === pids ? [memory] : [memory, pids] }

    // MARK: Limits

    /// Sets what differs from what is set.
    func limit(memoryBytes: UInt64, pids maximum: UInt64) throws(SystemError) {
        try state.withLock { (state) throws(SystemError) in
            if state.memoryBytes != memoryBytes {
                let old = state.memoryBytes
                state.memoryBytes = nil // unknown while half done
                try setMemory(memoryBytes, old: old)
                state.memoryBytes = memoryBytes
            }
            if state.pidsMaximum != maximum {
                try pids.write(String(maximum), to: "pids.max")
                state.pidsMaximum = maximum
            }
        }
    }

    private func setMemory(_ bytes: UInt64, old: UInt64?) throws(SystemError) {
        if isUnified {
            try memory.write(String(bytes), to: "memory.max")
            return
        }
        guard hasSwapAccounting else {
            try memory.write(String(bytes), to: "memory.limit_in_bytes")
            return
        }
        // Memory and swap together may never be below memory: raise the outer one first, lower it last. Of a state that
        // we do not know (`old` is nil) the outer one is lifted altogether.
        if old.map({ bytes > $0 }) ?? true { try memory.write(old == nil ? "-1" : String(bytes), to: "memory.memsw.limit_in_bytes") }
        try memory.write(String(bytes), to: "memory.limit_in_bytes")
        if old.map({ bytes <= $0 }) ?? true { try memory.write(String(bytes), to: "memory.memsw.limit_in_bytes") }
    }

    // MARK: Accounts

    private func counters() -> ControlGroupEvents {
        ControlGroupEvents(oomKills: memoryEvents.number("oom_kill"), forksRefused: pidsEvents.number("max"))
    }

    func events() -> ControlGroupEvents {
        let now = counters()
        let then = state.withLock { $0.baseline }
        return ControlGroupEvents(
            oomKills: now.oomKills - min(now.oomKills, then.oomKills),
            forksRefused: now.forksRefused - min(now.forksRefused, then.forksRefused))
    }

    /// Bytes; nil when the kernel does not tell (v2 before Linux 5.19).
    func peakMemory() -> UInt64? {
        guard isUnified else { return memoryPeak?.number }
        guard let peakFile else { return nil }
        var text = [UInt8](repeating: 0, count: 32)
        let count = pread(peakFile.number, &text, text.count, 0)
        guard count > 0 else { return nil }
        return UInt64(String(decoding: text[..<count].prefix { $0 != 0x0a }, as: UTF8.self))
    }

    func currentMemory() -> UInt64? { memoryUsage.number }

    // MARK: Processes

    func processes() throws(SystemError) -> [Int32] {
        var all: Set<Int32> = []
        for directory in directories { all.formUnion(try directory.processes()) }
        return all.sorted()
    }

    /// Kills what is inside, once. The processes end soon after, not before this returns.
    func kill() throws(SystemError) {
        if isUnified, (try? memory.write("1", to: "cgroup.kill")) != nil { return } // Linux 5.14
        // Nobody forks away from us: a limit of 0 refuses every fork and kills nothing.
        try state.withLock { (state) throws(SystemError) in
            try pids.write("0", to: "pids.max")
            state.pidsMaximum = 0
        }
        for directory in directories { try ControlGroupProcesses.kill(in: directory.descriptor.rawValue) }
    }

    // MARK: Reuse

    /// Makes an empty group as good as new. False when it cannot be: then it must be removed.
    func reset() -> Bool {
        if let charged = currentMemory(), charged > ControlGroup.negligibleCharge {
            if isUnified {
                try? memory.write(String(charged), to: "memory.reclaim")
            } else {
                try? memory.write("0", to: "memory.force_empty")
            }
            if (currentMemory() ?? 0) > ControlGroup.reusableCharge { return false }
        }
        let baseline = counters()
        state.withLock { $0.baseline = baseline }
        if isUnified {
            guard let peakFile else { return false }
            let word = Array("reset\n".utf8)
            return pwrite(peakFile.number, word, word.count, 0) == word.count
        }
        return (try? memory.write("0", to: "memory.max_usage_in_bytes")) != nil
    }

    /// Removes the directories. EBUSY while something is inside.
    func remove() throws(SystemError) {
        for directory in directories { try directory.remove() }
    }
}

/// An owned descriptor in a place that needs a copyable value, such as an array.
internal final class OwnedNumber: Sendable {
    private let descriptor: OwnedDescriptor
    init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }
    var number: Int32 { descriptor.rawValue }
}
