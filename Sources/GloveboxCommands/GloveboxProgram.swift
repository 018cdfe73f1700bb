internal import ArgumentParser
internal import CapabilityLanguage
internal import CommandOutput
internal import Glibc
internal import SandboxPolicy

/// The `glovebox` program: takes its words apart and runs one command.
package enum GloveboxProgram {
    /// Runs to the end and returns the exit code.
    package static func main() -> Int32 {
        let count = Int(CommandLine.argc)
        // Before anything else: what a server does need not be made ready here.
        if let code = ServedRun.attempt(UnsafeBufferPointer(start: CommandLine.unsafeArgv, count: count)) { return code }
        var words: [String] = []
        for index in 1..<max(1, count) {
            guard let pointer = CommandLine.unsafeArgv[index] else { break }
            // A repaired word would be another word than the one that was typed.
            guard let word = String(validatingCString: pointer) else {
                Console.complain("argument \(index) is not UTF-8; Glovebox names files and programs in UTF-8 only, rename it")
                return ExitStatus.usage
            }
            words.append(word)
        }
        return perform(words)
    }

    static func perform(_ words: [String]) -> Int32 {
        if words.first == "run" { return RunCommand.perform(Array(words.dropFirst())) }
        let named = words.first == "help" ? words.dropFirst().first : words.first
        if let named, RuntimeCommands.has(named) {
            let code = RuntimeProgram.become(words)
            // An agent takes only 2 for a no, and passes over other failures of a hook.
            return words.first == HookHelp.page.name ? 2 : code
        }
        if let problem = unknownCommand(words) {
            Console.complain(problem)
            return ExitStatus.usage
        }
        return parse(words)
    }

    /// Everything but `run`, by the argument parser.
    static func parse(_ words: [String]) -> Int32 {
        do {
            var command = try GloveboxCommand.parseAsRoot(words)
            try command.run()
            return ExitStatus.success
        } catch let failure as CommandFailure {
            Console.complain(failure.message)
            return failure.exitCode
        } catch let error as PolicyError {
            Console.complain(PolicyErrorText.line(error))
            return error.file == ResolvedPolicy.commandLine ? ExitStatus.usage : ExitStatus.failure
        } catch let code as ExitCode {
            return code.rawValue
        } catch {
            let code = GloveboxCommand.exitCode(for: error).rawValue
            if code == 0 {
                Console.print(GloveboxCommand.fullMessage(for: error)) // help, version, a completion script
            } else {
                Console.complain(usageLine(GloveboxCommand.message(for: error), words))
            }
            return code
        }
    }

    /// The parser's complaint in one line, with the help page that belongs to it.
    static func usageLine(_ message: String, _ words: [String]) -> String {
        let problem = message.split(separator: "\n").first.map(String.init) ?? "the command line is not understood"
        var page: [String] = []
        if let first = words.first, GloveboxCommands.top.contains(first) { page.append(first) }
        if page == ["policy"], words.count > 1, GloveboxCommands.policy.contains(words[1]) { page.append(words[1]) }
        let help = (["glovebox help"] + page).joined(separator: " ")
        return (problem.hasSuffix(".") ? String(problem.dropLast()) : problem) + "; see `\(help)`"
    }

    /// A first word that is no command, with the one that was meant.
    static func unknownCommand(_ words: [String]) -> String? {
        guard let first = words.first, !first.hasPrefix("-") else { return nil }
        if let problem = unknown(first, among: GloveboxCommands.top, what: "command") { return problem }
        if first == "help" { return unknownCommand(Array(words.dropFirst())) }
        guard first == "policy", words.count > 1, !words[1].hasPrefix("-") else { return nil }
        return unknown(words[1], among: GloveboxCommands.policy, what: "policy command")
    }

    private static func unknown(_ word: String, among known: [String], what: String) -> String? {
        if known.contains(word) { return nil }
        if let near = NearestWord.suggestion(for: word, among: known) { return "unknown \(what) `\(word)`; did you mean `\(near)`?" }
        return "unknown \(what) `\(word)`; known are: \(known.joined(separator: ", "))"
    }
}

/// Names of the commands, for suggestions.
enum GloveboxCommands {
    static var top: [String] { names(GloveboxCommand.configuration) + ["help"] }
    static var policy: [String] { names(PolicyCommand.configuration) }

    private static func names(_ configuration: CommandConfiguration) -> [String] {
        configuration.subcommands.compactMap { $0.configuration.commandName }
    }
}
