import ArgumentParser
import Testing

@testable import GloveboxRuntimeCommands

@Suite struct CommandTreeTests {
    @Test(arguments: [
        (["agnet"], "unknown command `agnet`; did you mean `agent`?"),
        (["agent", "spwan"], "unknown agent command `spwan`; did you mean `spawn`?"),
        (["audit", "zzzzzz"], "unknown audit command `zzzzzz`; known are: list, show, verify, export"),
        (["help", "humn"], "unknown command `humn`; did you mean `human`?"),
    ]) func unknownCommands(words: [String], message: String) {
        #expect(GloveboxRuntimeCommand.unknownCommand(words) == message)
    }

    @Test(arguments: [["agent"], ["agent", "run", "x"], ["why", "tcall_1"], ["help", "agent"], [], ["--version"], ["audit", "--help"]])
    func knownCommands(words: [String]) {
        #expect(GloveboxRuntimeCommand.unknownCommand(words) == nil)
    }

    /// Everything but the groups themselves works with a store, and so stops cleanly when it is asked to.
    @Test func everyCommandIsPerformed() {
        func check(_ commands: [any ParsableCommand.Type]) {
            // What is hidden is no command of a person's: a server that lives as long as its input.
            for command in commands where command.configuration.shouldDisplay {
                let below = command.configuration.subcommands
                if below.isEmpty { #expect(command is any StoreCommand.Type, "\(command)") } else { check(below) }
                #expect(!command.configuration.abstract.isEmpty, "\(command)")
            }
        }
        check(GloveboxRuntimeCommand.configuration.subcommands)
    }
}
