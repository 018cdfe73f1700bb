internal import CommandOutput
internal import Glibc
internal import LinuxPrimitives

/// Whose run it is: whose descriptors its output goes to and whose variables count. This program's own, or those of a client that a
/// server runs it for. The working directory is the calling thread's in both cases.
struct RunCaller: Sendable {
    /// Borrowed.
    let input: Int32
    let output: Int32
    let error: Int32
    /// Nil: this process's own environment.
    let variables: [String: String]?

    static let thisProcess = RunCaller(input: 0, output: 1, error: 2, variables: nil)

    /// Nil also for one that is not text.
    func variable(_ name: String) -> String? {
        if let variables { return variables[name] }
        return getenv(name).flatMap { String(validatingCString: $0) }
    }

    var home: String? {
        guard let home = variable("HOME"), home.utf8.first == UInt8(ascii: "/") else { return nil }
        return home
    }

    /// For standard error.
    var style: TextStyle {
        TextStyle.decide(
            isTerminal: TerminalWindow.isTerminal(error), noColor: variable("NO_COLOR"), force: variable("CLICOLOR_FORCE"),
            terminal: variable("TERM"))
    }
}
