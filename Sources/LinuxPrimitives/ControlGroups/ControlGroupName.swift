internal import Glibc
internal import Synchronization

/// `glovebox-<pid>-<start time>-<n>`: names the supervisor that made a cgroup, so that the next one can tell whether it lives.
internal struct ControlGroupName: Equatable {
    var pid: Int32
    /// Clock ticks after boot at which that process started (field 22 of /proc/<pid>/stat).
    var startTime: UInt64
    var number: UInt64

    private static let counter = Atomic<UInt64>(0)
    private static let ownStartTime = startTime(of: getpid()) ?? 0

    init(pid: Int32, startTime: UInt64, number: UInt64) {
        self.pid = pid
        self.startTime = startTime
        self.number = number
    }

    /// A name that this process did not use before.
    static func next() -> ControlGroupName {
        ControlGroupName(pid: getpid(), startTime: ownStartTime, number: counter.add(1, ordering: .relaxed).newValue)
    }

    /// Nil for every name that is not exactly of our form.
    init?(_ text: String) {
        // Most of what stands beside our groups is somebody else's: told by its first bytes.
        guard text.utf8.starts(with: "glovebox-".utf8) else { return nil }
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 4, let pid = Int32(parts[1]), let start = UInt64(parts[2]),
            let number = UInt64(parts[3]), pid > 0
        else { return nil }
        self.init(pid: pid, startTime: start, number: number)
        guard self.text == text else { return nil }
    }

    var text: String { "glovebox-\(pid)-\(startTime)-\(number)" }

    /// Whether the supervisor that the name tells of still runs.
    var hasLivingOwner: Bool { ControlGroupName.startTime(of: pid) == startTime }

    /// Nil when there is no such process.
    static func startTime(of pid: Int32) -> UInt64? {
        guard let bytes = try? SmallFile.read("/proc/\(pid)/stat") else { return nil }
        // The second field is the program's name in brackets, and may hold spaces and brackets itself.
        guard let bracket = bytes.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        // Each of the others has a space before it; the first after the bracket is field 3.
        var field = 2
        var value: UInt64 = 0
        for byte in bytes[(bracket + 1)...] {
            if byte == UInt8(ascii: " ") {
                field += 1
                if field > 22 { return value }
            } else if field == 22 {
                guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
                value = value &* 10 &+ UInt64(byte - UInt8(ascii: "0"))
            }
        }
        return nil
    }
}
