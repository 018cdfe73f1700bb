/// Exit codes of Glovebox itself (a tool's own pass through unchanged).
enum ExitStatus {
    static let success: Int32 = 0
    /// `policy check`: denied. `lint`, `test`, `diff`, `doctor`: there is something to mend or to see.
    static let negative: Int32 = 1
    /// `policy check`: somebody would have to agree.
    static let ask: Int32 = 3
    /// EX_USAGE of sysexits.
    static let usage: Int32 = 64
    /// Glovebox could not do it: a bad policy or workspace, a sandbox that cannot be built.
    static let failure: Int32 = 125
}

/// Why a command did not do its work: one line on stderr, and an exit code.
struct CommandFailure: Error, Sendable, Equatable {
    var exitCode: Int32
    var message: String

    static func usage(_ message: String) -> CommandFailure { CommandFailure(exitCode: ExitStatus.usage, message: message) }
    static func failed(_ message: String) -> CommandFailure { CommandFailure(exitCode: ExitStatus.failure, message: message) }
}
