/// Where the writing connection stands. Crash tests end the program at such a point.
package enum StoreStep: String, Sendable, CaseIterable {
    case beforeTransaction, afterStatement, beforeCommit, afterCommit
    /// The disk has the commit, and whoever waits for that is not told yet.
    case onDisk
}

package typealias StoreObserver = @Sendable (StoreStep) -> Void
