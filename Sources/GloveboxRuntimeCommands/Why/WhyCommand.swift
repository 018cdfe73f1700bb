internal import ArgumentParser
internal import CommandOutput

struct WhyCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Explain one call, refusal, request, process or capability from beginning to end.")

    @Argument(help: ArgumentHelp("A tool call, an audit record, a human request, a process or a capability.", valueName: "id"))
    var id: String
    @OptionGroup var options: StoreOptions

    func perform(_ interruption: Interruption) async throws -> Int32 { ExitStatus.success }
}
