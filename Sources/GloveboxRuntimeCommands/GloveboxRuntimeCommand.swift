internal import ArgumentParser
internal import CapabilityLanguage
internal import Glovebox

/// The tree of the runtime's commands. People type `glovebox`, which hands them over.
struct GloveboxRuntimeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "glovebox", abstract: "Agents whose every tool call is decided, sealed and recorded.",
        version: "glovebox \(GloveboxVersion.current)",
        subcommands: [
            AgentCommand.self, HumanCommand.self, ToolCommand.self, CapabilityCommand.self, AuditCommand.self, WhyCommand.self,
            MemoryCommand.self, MCPCommand.self, HookCommand.self, BenchCommand.self,
        ])

    /// A first or second word that is no command, with the one that was meant.
    static func unknownCommand(_ words: [String]) -> String? {
        if words.first == "help" { return unknownCommand(Array(words.dropFirst())) }
        var known = configuration.subcommands
        var shown = ""
        for word in words.prefix(2) {
            if word.hasPrefix("-") || known.isEmpty { return nil }
            let names = known.filter { $0.configuration.shouldDisplay }.compactMap { $0.configuration.commandName }
            guard let found = known.first(where: { $0.configuration.commandName == word }) else {
                if let near = NearestWord.suggestion(for: word, among: names) {
                    return "unknown \(shown)command `\(word)`; did you mean `\(near)`?"
                }
                return "unknown \(shown)command `\(word)`; known are: \(names.joined(separator: ", "))"
            }
            known = found.configuration.subcommands
            shown = "\(word) "
        }
        return nil
    }
}

/// A command that works with a store.
protocol StoreCommand: ParsableCommand, Sendable {
    /// Does it all and returns the exit code.
    func perform(_ interruption: Interruption) async throws -> Int32
}

extension StoreCommand {
    mutating func run() throws { preconditionFailure("a command of the store is performed") }
}
