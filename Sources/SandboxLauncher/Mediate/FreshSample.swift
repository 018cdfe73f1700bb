/// Calls that are refused only on a fresh count of what the tree has written: one that was taken after they came. The next
/// sample may already be under way then, so it takes two.
struct FreshSample {
    private var samples: UInt64 = 0
    /// Ids of the calls that wait, and the number of samples at their arrival.
    private(set) var waiting: [UInt64: UInt64] = [:]

    /// A call waits for a sample: one should be taken at once.
    var isWanted: Bool { !waiting.isEmpty }

    /// Whether the last sample is fresh for this call. Otherwise the call is one that waits, until it is forgotten.
    mutating func isThere(for id: UInt64) -> Bool {
        let since = waiting[id] ?? samples
        waiting[id] = since
        return samples >= since + 2
    }

    mutating func note() { samples += 1 }

    /// The call was answered, or nobody waits for its answer any more.
    mutating func forget(_ id: UInt64) { waiting[id] = nil }
}
