internal import SandboxLauncher
internal import SandboxPolicy

/// Why a call could not be sealed: nothing ran. A tool that ran and failed is no error but a ``ToolOutcome``.
public struct GloveboxError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was wrong.
    public enum Code: Sendable, Equatable {
        /// The policy cannot be read, is not valid, or forbids what was asked to be added to it.
        case policy
        /// The directory is missing or is none that a tool may be let into.
        case workspace
        /// `glovebox-launcher` is not installed or cannot be started.
        case launcher
    }

    public let code: Code
    /// Place, problem and mend in one line, safe to print.
    public let description: String

    init(_ code: Code, _ error: PolicyError) {
        self.code = code
        description = error.description
    }

    init(_ error: LaunchError) {
        code = .launcher
        description = error.description
    }
}
