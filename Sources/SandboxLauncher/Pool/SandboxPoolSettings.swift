/// How many sandboxes are kept ready, and for how long.
package struct SandboxPoolSettings: Sendable, Equatable {
    /// Of one kind: one policy, workspace and set of limits, and the program that waits in it, if any.
    package var perKind = 2
    /// Of all kinds together.
    package var total = 8
    /// A kind that no call has asked for this long is given up, milliseconds.
    package var idleMilliseconds: UInt64 = 60_000
    /// What all of them may hold, bytes, as their cgroups count it; without cgroups one counts as one MiB.
    package var memoryBytes: UInt64 = 64 << 20
    /// While less than this share of the machine's memory is available nothing is built, and what waits is given up.
    package var reservedMemory = 0.1
    /// Calls of a kind before the first one is kept ready: what is asked for once may never be asked for again.
    package var callsBefore: UInt64 = 2
    /// Threads that build.
    package var builders = 2
    /// Their niceness: what is built for later should not take the processor from a call that is under way.
    package var builderNice: Int32 = 5
    /// Whether the tool's own process waits where it can; otherwise the sandbox's init does (a test's case).
    package var parksTools = true
    /// For a program to start and say that it waits, milliseconds: an interpreter on a busy machine, from a cold disk.
    package var readyMilliseconds: UInt64 = 10_000
    /// Calls of the host's own `python3` may be served by an interpreter that waits.
    package var parksPython = true
    /// A call that finds none builds one and starts that, instead of launching cold. For tests, which want to see every call
    /// started in a sandbox that was there before.
    package var buildsOnDemand = false

    package init() {}
}

/// How a call came to its sandbox.
package enum LaunchKind: String, Sendable {
    /// Everything was built for it.
    case cold
    /// Built for it, its root a copy of the policy's.
    case template
    /// Built before it came, and used for it alone.
    case prepared
    /// Built before it came, with a program in it that had started and waited for it (`ParkableProgram`).
    case parked
}
