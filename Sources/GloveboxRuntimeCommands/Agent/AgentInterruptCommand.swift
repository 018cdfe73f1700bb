internal import ArgumentParser
internal import LibOSModel

struct AgentInterruptCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "interrupt", abstract: "Send a message that the process must read before it does anything else.")

    @Argument(help: ArgumentHelp("A process.", valueName: "pid")) var pid: String
    @Argument(help: "What to say.") var text: String
    @OptionGroup var message: MessageOptions

    func perform(_ interruption: Interruption) async throws -> Int32 { try await message.post(text, to: pid, as: .interrupt) }
}
