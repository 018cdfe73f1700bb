/// What a finished run leaves for its report.
struct RunEnd: Sendable {
    var outcome: RunOutcome
    var started: LaunchMessage?
    var usage: SandboxUsage
    /// Processes killed for memory, by the kernel or by the supervisor.
    var memoryKills: UInt64
    /// Forks that the pids limit refused, where a cgroup counts them.
    var forksRefused: UInt64
    /// Of the whole tree, bytes, where a cgroup counts it.
    var peakMemory: UInt64?
    /// Processes killed because they hid what they wrote to disk.
    var hiddenKills: UInt64
    var wallNanoseconds: UInt64
    var stdout: CapturedOutput
    var stderr: CapturedOutput
    var violations: [Violation]
    var violationsDropped: UInt64
    var createdNames: UInt64
    var createdLimitHit: Bool
    /// A process of the tree could not be ended within ten seconds (uninterruptible sleep).
    var leftBehind: Bool
    /// A program that waited was handed the call and ended before it did anything with it.
    var wasNotTakenOver = false
    /// Monotonic nanoseconds: the init's word that the tool has ended, and the end of the init itself.
    var exitedAt: UInt64
    var endedAt: UInt64

    /// Not the call's end: it is launched anew.
    static let notTakenOver = RunEnd(
        outcome: .launcherDied, usage: SandboxUsage(), memoryKills: 0, forksRefused: 0, hiddenKills: 0, wallNanoseconds: 0,
        stdout: CapturedOutput(), stderr: CapturedOutput(), violations: [], violationsDropped: 0, createdNames: 0, createdLimitHit: false,
        leftBehind: false, wasNotTakenOver: true, exitedAt: 0, endedAt: 0)
}
