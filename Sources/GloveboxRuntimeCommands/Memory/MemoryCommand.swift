internal import ArgumentParser

struct MemoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "memory", abstract: "Show what agents keep in memory.", subcommands: [MemoryListCommand.self, MemoryShowCommand.self])
}
