internal import AgentRuntime
internal import ArgumentParser
internal import CommandOutput
internal import LibOSModel
internal import StrictJSON

/// What a message to a process consists of.
struct MessageOptions: ParsableArguments {
    @Option(help: "Channel that the process may listen on.") var channel: String?
    @Option(help: ArgumentHelp("Ties messages together.", valueName: "id")) var correlationId: String?
    @Option(help: "Subject, in a few words.") var subject: String?
    @OptionGroup var options: StoreOptions

    func post(_ text: String, to pid: String, as kind: ProcessMessage.Kind) async throws -> Int32 {
        let id = try ProcessID.typed(pid)
        let draft = MessageDraft(
            body: text, kind: kind, channel: channel ?? ProcessMessage.standardChannel, correlation: correlationId, subject: subject)
        let message = try await RuntimeSession.with(options) { session in try await session.runtime.post(draft, to: id) }
        if options.json {
            Document.print(
                "message/1",
                [
                    JSONMember("message_id", .string(message.id.text)), JSONMember("recipient", .string(id.text)),
                    JSONMember("kind", .string(kind.rawValue)), JSONMember("channel", .string(message.channel)),
                ])
        } else {
            Console.print(message.id.text)
        }
        return ExitStatus.success
    }
}
