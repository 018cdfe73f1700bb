/// So many at once, and then so many in time: what is used up comes back by and by.
///
/// A number for a whole session would let whoever makes noise first go unseen for the rest of it.
package struct Allowance: Sendable {
    private let most: UInt64
    /// Nanoseconds after which one more is allowed.
    private let interval: UInt64
    private var left: UInt64
    private var since: UInt64?

    package init(most: UInt64, oneEvery interval: UInt64) {
        self.most = most
        self.interval = max(1, interval)
        left = most
    }

    /// Takes one; false when there is none.
    /// - Parameter time: nanoseconds of a clock that does not go back.
    package mutating func take(at time: UInt64) -> Bool {
        refill(at: time)
        guard left > 0 else { return false }
        left -= 1
        return true
    }

    private mutating func refill(at time: UInt64) {
        guard let last = since, left < most, time > last else {
            if left >= most || since == nil { since = time }
            return
        }
        let more = (time - last) / interval
        left = min(most, left + min(more, most))
        since = left == most ? time : last + more * interval
    }
}
