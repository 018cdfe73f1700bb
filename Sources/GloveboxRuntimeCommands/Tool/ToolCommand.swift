internal import ArgumentParser

struct ToolCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tool", abstract: "Show tools, and call one.",
        subcommands: [ToolListCommand.self, ToolShowCommand.self, ToolCallCommand.self])
}
