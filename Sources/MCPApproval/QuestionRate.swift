/// How many questions may be put before people: a client that answers by itself, or an agent that asks until somebody is tired of
/// reading, gets no further than this.
package struct QuestionRate: Sendable {
    /// Questions in a row, and nanoseconds for one more.
    private let burst: UInt64
    private let refill: UInt64
    /// The instant up to which what was asked is paid for.
    private var paid: UInt64 = 0

    package init(burst: UInt64 = 5, refill: UInt64 = 6_000_000_000) {
        self.burst = max(1, burst)
        self.refill = max(1, refill)
    }

    /// - Parameter now: of a clock that does not go back.
    package mutating func take(now: UInt64) -> Bool {
        let base = max(paid, now)
        guard base - now <= (burst - 1) &* refill else { return false }
        paid = base &+ refill
        return true
    }

    /// For whoever is told that it was too many.
    package var sentence: String { "\(burst) questions at once, and one more every \(refill / 1_000_000_000) s" }
}
