internal import LinuxPrimitives

/// The names that a run has made and that are still there, counted against the policy's limit.
///
/// Deletions are not seen (they need no supervisor), so the count may be too high; before it refuses anything it is taken
/// anew. Moves are seen, so a name cannot slip out of the count by moving it or a directory above it.
struct CreatedNames {
    private let limit: UInt64
    /// As bytes: to Swift, canonically equivalent strings would be one name.
    private var paths: Set<[UInt8]> = []
    /// Names that are no text: they are counted once and for ever.
    private var untracked: UInt64 = 0
    private(set) var total: UInt64 = 0
    private var nextRecount: UInt64 = 0

    init(limit: UInt64) {
        self.limit = limit
    }

    private var count: UInt64 { UInt64(paths.count) + untracked }
    /// Whether the limit has refused something.
    private(set) var wasFull = false

    enum Room {
        case free
        case none
        /// Only a recount can tell, and the last one was a moment ago.
        case unknown
    }

    /// Whether one more name may be made. `exists` tells whether a path is still there.
    ///
    /// A tool that goes on trying must not keep the supervisor counting: a recount buys five times its length of rest, in which
    /// whoever asks has to wait.
    mutating func room(_ exists: (String) -> Bool) -> Room {
        if count < limit { return .free }
        let began = MonotonicClock.now()
        guard began >= nextRecount else { return .unknown }
        paths = paths.filter { exists(String(decoding: $0, as: UTF8.self)) }
        let ended = MonotonicClock.now()
        nextRecount = ended + 5 * (ended - began)
        if count < limit { return .free }
        wasFull = true
        return .none
    }

    mutating func add(_ path: String, isText: Bool) {
        total += 1
        if isText { paths.insert(Array(path.utf8)) } else { untracked += 1 }
    }

    mutating func move(_ old: String, to new: String, exchanging: Bool) {
        let atOld = take(Array(old.utf8))
        let atNew = take(Array(new.utf8)) // what stood at the new name is gone, unless they change places
        for rest in atOld { paths.insert(Array(new.utf8) + rest) }
        if exchanging { for rest in atNew { paths.insert(Array(old.utf8) + rest) } }
    }

    /// Removes a path and all below it; returns what followed the path in each.
    private mutating func take(_ path: [UInt8]) -> [ArraySlice<UInt8>] {
        var rests: [ArraySlice<UInt8>] = []
        if paths.remove(path) != nil { rests.append([]) }
        let below = paths.filter { $0.count > path.count && $0[path.count] == UInt8(ascii: "/") && $0.starts(with: path) }
        for found in below {
            paths.remove(found)
            rests.append(found[path.count...])
        }
        return rests
    }
}
