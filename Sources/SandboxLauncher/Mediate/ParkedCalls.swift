internal import LinuxPrimitives

/// Calls that cannot be answered yet. Each is looked at again soon at first and then ever more seldom, so that a tool with many
/// calls that wait for nobody does not keep the supervisor busy.
struct ParkedCalls {
    private struct Entry {
        var notification: SeccompNotification
        /// Nanoseconds
        var delay: UInt64
        var dueAt: UInt64
    }

    /// Calls that may wait at once.
    static let limit = 64
    private static let firstDelay: UInt64 = 5_000_000
    static let longestDelay: UInt64 = 100_000_000

    /// By id.
    private var entries: [UInt64: Entry] = [:]

    /// When the next one is to be looked at (nanoseconds of MonotonicClock); nil when none waits.
    var nextDue: UInt64? { entries.isEmpty ? nil : entries.values.map { $0.dueAt }.min() }

    /// Whether one more may wait.
    var hasRoom: Bool { entries.count < Self.limit }

    /// Lets a call wait, longer than the last time. False when too many wait already.
    mutating func park(_ notification: SeccompNotification, now: UInt64, longest: UInt64 = longestDelay) -> Bool {
        let known = entries[notification.id]
        guard known != nil || hasRoom else { return false }
        let delay = min(known.map { $0.delay * 2 } ?? Self.firstDelay, longest)
        entries[notification.id] = Entry(notification: notification, delay: delay, dueAt: now + delay)
        return true
    }

    /// Those whose time has come, in the order in which they were made.
    func due(_ now: UInt64) -> [SeccompNotification] {
        entries.values.filter { $0.dueAt <= now }.map { $0.notification }.sorted { $0.id < $1.id }
    }

    /// What they waited for may be there.
    mutating func hasten(_ id: UInt64) { entries[id]?.dueAt = 0 }

    mutating func remove(_ id: UInt64) { entries[id] = nil }
}
