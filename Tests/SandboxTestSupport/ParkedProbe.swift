package import SandboxLauncher

/// sandbox-probe as a program that waits for its call.
package enum ParkedProbe {
    /// - Parameter action: `park serves` does what the probe does with the call's words; the others do not behave.
    package static func program(_ action: String..., saysStarted: Bool = true) -> ParkableProgram {
        ParkableProgram(
            arguments: [Products.probe] + (action.isEmpty ? ["park", "serves"] : action), environment: Products.environment,
            saysStarted: saysStarted)
    }
}
