internal import ArgumentParser
internal import CapabilityLanguage
internal import CommandOutput
internal import Glibc
internal import LibOSModel
internal import SandboxLauncher
internal import SandboxPolicy

/// The `glovebox-runtime` program: the commands of `glovebox` that work with a store.
package enum GloveboxRuntimeProgram {
    /// Runs one command to its end and returns the exit code.
    package static func main() -> Int32 {
        var words: [String] = []
        for index in 1..<max(1, Int(CommandLine.argc)) {
            guard let pointer = CommandLine.unsafeArgv[index] else { break }
            guard let word = String(validatingCString: pointer) else {
                Console.complain("argument \(index) is not UTF-8; Glovebox names files and programs in UTF-8 only, rename it")
                return ExitStatus.usage
            }
            words.append(word)
        }
        return perform(words)
    }

    private static func perform(_ words: [String]) -> Int32 {
        defer { Console.settle() }
        let code = carriedOut(words)
        // What an agent asks before it acts must never be answered by an exit code that the agent passes over, nor by the help of a
        // command that was left half written.
        return HookCommand.isMeant(words) && (code != ExitStatus.success || words.count == 1) ? HookCommand.refusal : code
    }

    private static func carriedOut(_ words: [String]) -> Int32 {
        // A reader that has gone away must not end a run between an effect and its record.
        signal(SIGPIPE, SIG_IGN)
        do {
            if let problem = GloveboxRuntimeCommand.unknownCommand(words) { throw CommandFailure.usage(problem) }
            var command = try GloveboxRuntimeCommand.parseAsRoot(words)
            guard let work = command as? any StoreCommand else {
                try command.run() // help
                return ExitStatus.success
            }
            return try Interruption.run { interruption in await outcome(of: work, interruption) }
        } catch {
            return complain(error, words)
        }
    }

    private static func outcome(of command: any StoreCommand, _ interruption: Interruption) async -> Int32 {
        do {
            return try await command.perform(interruption)
        } catch {
            return complain(error, [])
        }
    }

    /// Says what went wrong, each error in one line, and gives its exit code.
    private static func complain(_ error: any Error, _ words: [String]) -> Int32 {
        switch error {
        case let failure as CommandFailure:
            Console.complain(failure.message)
            return failure.exitCode
        case let error as LibOSError:
            Console.complain(error.description)
            return ExitStatus.of(error)
        case let error as PolicyError:
            for line in PolicyErrorText.lines(error) { Console.complain(line) }
            return ExitStatus.failure
        case let error as LaunchError:
            Console.complain("\(error)")
            return ExitStatus.failure
        case let code as ExitCode: return code.rawValue
        case is CancellationError:
            Console.complain("stopped; what was under way is closed in the record")
            return ExitStatus.failure
        default: return usage(error, words)
        }
    }

    private static func usage(_ error: any Error, _ words: [String]) -> Int32 {
        let code = GloveboxRuntimeCommand.exitCode(for: error).rawValue
        if code == 0 {
            Console.print(GloveboxRuntimeCommand.fullMessage(for: error)) // help
        } else {
            let message = GloveboxRuntimeCommand.message(for: error)
            let problem = message.split(separator: "\n").first.map(String.init) ?? "the command line is not understood"
            let page = words.prefix { !$0.hasPrefix("-") }.prefix(2).joined(separator: " ")
            let words = problem.hasSuffix(".") ? String(problem.dropLast()) : problem
            Console.complain("\(words); see `glovebox help \(page)`")
        }
        return code
    }
}
