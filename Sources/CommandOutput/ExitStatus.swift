/// Exit codes of Glovebox itself (a tool's own pass through unchanged).
package enum ExitStatus {
    package static let success: Int32 = 0
    /// `policy check`: denied. `lint`, `test`, `diff`, `doctor`: there is something to mend or to see.
    package static let negative: Int32 = 1
    /// `policy check`: somebody would have to agree.
    package static let ask: Int32 = 3
    /// EX_USAGE of sysexits.
    package static let usage: Int32 = 64
    /// Glovebox could not do it: a bad policy or workspace, a sandbox that cannot be built, a question that nobody answered.
    package static let failure: Int32 = 125
}

/// Why a command did not do its work: one line on stderr, and an exit code.
package struct CommandFailure: Error, Sendable, Equatable {
    package var exitCode: Int32
    package var message: String

    package init(exitCode: Int32, message: String) {
        self.exitCode = exitCode
        self.message = message
    }

    package static func usage(_ message: String) -> CommandFailure { CommandFailure(exitCode: ExitStatus.usage, message: message) }
    package static func failed(_ message: String) -> CommandFailure { CommandFailure(exitCode: ExitStatus.failure, message: message) }
}
