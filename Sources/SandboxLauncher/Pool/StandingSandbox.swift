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
