internal import ArgumentParser
internal import LibOSModel

struct AgentMessageCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "message", abstract: "Send a message; the process reads it when it comes to it.")

    @Argument(help: ArgumentHelp("A process.", valueName: "pid")) var pid: String
    @Argument(help: "What to say.") var text: String
    @OptionGroup var message: MessageOptions

    func perform(_ interruption: Interruption) async throws -> Int32 { try await message.post(text, to: pid, as: .normal) }
}
