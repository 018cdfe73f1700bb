internal import Glibc
internal import LinuxPrimitives

/// A sandbox that stands before its call, whatever waits in it.
protocol StandingSandbox: AnyObject, Sendable {
    /// With its own ids and exec page.
    var spec: LaunchSpec { get }
    /// Bytes that it holds.
    var memoryBytes: UInt64 { get }
    var sandbox: LaunchedSandbox { get }
    /// Whether it still waits.
    var isAlive: Bool { get }
}

/// What one counts where nothing counts it.
let assumedSandboxBytes: UInt64 = 1 << 20

extension StandingSandbox {
    /// Ends it unused. What it has leased is free only when its last process has gone, so this waits.
    func discard() { sandbox.discard() }
}

extension LaunchedSandbox {
    /// For an init that was told to leave, nanoseconds.
    private static let endPatience: UInt64 = 1_000_000_000

    /// Ends one that no run has taken over, and waits for its last process.
    func discard() {
        var ends = takeEnds()
        ends.status = nil // upon which it leaves
        guard let pidfd = ends.process.number else { return }
        if (try? Polling.wait(pidfd, for: .readable, deadline: MonotonicClock.now() + Self.endPatience)) == true { return }
        _ = try? ends.process?.kill(SIGKILL)
        _ = try? Polling.wait(pidfd, for: .readable, deadline: MonotonicClock.now() + Self.endPatience)
    }

    /// Whether its init lives and nobody has taken it.
    var isAlive: Bool {
        guard let pidfd = numbers.pidfd else { return false }
        return (try? Polling.wait(pidfd, for: .readable, deadline: 0)) == false
    }
}
