internal import SandboxPolicy

/// What a request must be before anything is done for it.
enum RequestCheck {
    /// Linux refuses a longer single argument (MAX_ARG_STRLEN, 32 pages).
    static let argumentLimit = 128 << 10
    /// A quarter of an 8 MiB stack, as execve counts (5.8 and newer).
    static let totalLimit = 2 << 20

    static func check(_ request: RunRequest) throws(LaunchError) {
        guard let program = request.arguments.first, !program.isEmpty else {
            throw LaunchError(.malformed, "there is no program to run", mend: "name one after `--`")
        }
        var total = 0
        for argument in request.arguments {
            guard argument.utf8.count < argumentLimit else {
                throw LaunchError(
                    .tooLarge, "one argument has \(argument.utf8.count) bytes; Linux takes at most \(argumentLimit - 1)",
                    mend: "pass large data on standard input or in a file")
            }
            total += argument.utf8.count + 9 // its NUL and its pointer
        }
        guard total < totalLimit else {
            throw LaunchError(
                .tooLarge, "the arguments have \(total) bytes in all; Linux takes about \(totalLimit)",
                mend: "pass large data on standard input or in a file")
        }
        guard !(request.arguments.contains { $0.utf8.contains(0) }) else {
            throw LaunchError(.malformed, "an argument holds a NUL byte, which no program could receive", mend: "remove it")
        }
        for (name, value) in request.environment
        where name.isEmpty || name.utf8.contains(UInt8(ascii: "=")) || name.utf8.contains(0)
            || value.utf8.contains(0)
        {
            throw LaunchError(
                .malformed,
                "the variable `\(TerminalText.cleaned(name))` cannot be set: its name is empty or holds `=`, or it holds a NUL byte",
                mend: "use NAME=VALUE")
        }
        for name in request.environment.keys.sorted() {
            guard let rule = request.confinement.environment.denial(of: name) else { continue }
            let because = rule.because.map { " (\($0))" } ?? ""
            throw LaunchError(
                .malformed, "the variable \(name) is set for this run, and `\(rule.text)` at \(rule.location) denies it\(because)",
                mend: "leave it out: a deny outweighs the caller too")
        }
        if let directory = request.workingDirectory, !directory.hasPrefix("/") {
            throw LaunchError(.malformed, "the working directory \(directory) is not absolute", mend: "give it from the root")
        }
    }
}

extension TerminalText {
    /// A whole text made harmless.
    package static func cleaned(_ text: String) -> String {
        var cleaner = TerminalText()
        var bytes = Array(text.utf8).withUnsafeBytes { cleaner.clean($0) }
        bytes += cleaner.finish()
        return String(decoding: bytes, as: UTF8.self)
    }
}
