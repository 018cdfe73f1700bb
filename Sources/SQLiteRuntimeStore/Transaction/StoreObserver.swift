/// Where the writing connection stands. Crash tests end the program at such a point.
package enum StoreStep: String, Sendable, CaseIterable {
    case beforeTransaction, afterStatement, beforeCommit, afterCommit
}

package typealias StoreObserver = @Sendable (StoreStep) -> Void
