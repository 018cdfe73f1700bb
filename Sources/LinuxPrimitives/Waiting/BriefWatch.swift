package import Glibc

/// Keeps awake for a moment when an answer is likely to come in that moment. To be woken on another processor takes longer than many
/// an answer: 40 to 70 µs in a virtual machine, where an idle processor is halted.
///
/// It pays only for who answers quickly, so it keeps count: who was slow several times in a row is watched seldom, which bounds what
/// is spent in vain to a small part of what such answers take.
package struct BriefWatch: Sendable {
    /// Nanoseconds.
    private let longest: UInt64
    private var credit = Self.mostCredit
    private var waitsLeftOut = 0

    private static let mostCredit = 4
    /// Without credit one wait in so many is watched.
    private static let period = 64

    package init(longest: UInt64 = 80_000) { self.longest = longest }

    /// Looks at the entries until one is ready or the moment is over. Returns how many are ready.
    package mutating func look(_ entries: inout [pollfd]) throws(SystemError) -> Int {
        if credit == 0 {
            waitsLeftOut += 1
            guard waitsLeftOut == Self.period else { return 0 }
            waitsLeftOut = 0
        }
        let end = MonotonicClock.now() &+ longest
        repeat {
            let ready = try Polling.wait(&entries, deadline: 0)
            if ready > 0 {
                credit = min(credit + 1, Self.mostCredit)
                return ready
            }
            // Whoever is to answer may be waiting for this very processor.
            sched_yield()
        } while MonotonicClock.now() < end
        credit = max(credit - 1, 0)
        return 0
    }
}
