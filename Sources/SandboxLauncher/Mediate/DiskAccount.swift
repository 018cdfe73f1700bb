/// What is known of the bytes that a tree has written, against the limit of its policy.
struct DiskAccount {
    /// Bytes that a tree may dirty in a nanosecond at the very most: above what the memory of a large machine takes.
    private static let fastest: UInt64 = 16

    private let limit: UInt64
    private var written: UInt64 = 0
    /// Nanoseconds of MonotonicClock
    private var countedAt: UInt64
    /// The last sample said that the limit is used up, or could not tell.
    private(set) var isFull = false

    init(limit: UInt64, startedAt: UInt64) {
        self.limit = limit
        countedAt = startedAt
    }

    mutating func note(written: UInt64, isHidden: Bool, at now: UInt64) {
        self.written = written
        countedAt = now
        isFull = written >= limit || isHidden
    }

    /// Whether the limit can have been reached since the last sample. Far from it nobody has to wait for a new one.
    func mayBeFull(at now: UInt64) -> Bool {
        written.clampedPlus((now &- min(now, countedAt)).clampedTimes(Self.fastest)) >= limit
    }
}
