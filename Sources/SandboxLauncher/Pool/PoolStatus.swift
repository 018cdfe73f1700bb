/// What a pool holds and what it did so far, for people and for `glovebox pool`.
package struct SandboxPoolStatus: Sendable, Equatable {
    package struct Kind: Sendable, Equatable {
        /// Name of the policy.
        package var policy: String
        package var waiting: Int
        /// Since it was asked for anew.
        package var calls: UInt64
        /// Nanoseconds since the last call.
        package var idleNanoseconds: UInt64
    }

    /// The one that was asked for last stands first.
    package var kinds: [Kind] = []
    package var waiting = 0
    /// What those that wait hold, bytes.
    package var bytes: UInt64 = 0
    package var built: UInt64 = 0
    package var taken: UInt64 = 0
    /// Built and not used: given up, or no longer what a call would be given.
    package var discarded: UInt64 = 0
    /// Of calls that found none.
    package var missed: UInt64 = 0
    package var failed: UInt64 = 0
    /// Why the last one could not be built.
    package var lastFailure: String?
    /// Ended, but with a process that the kernel has not let go of yet.
    package var lingering = 0

    package init() {}
}
