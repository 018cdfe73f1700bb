internal import AgentRuntime
internal import ArgumentParser
internal import CommandOutput
internal import LibOSModel
internal import StrictJSON

struct HumanShowCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one request: the action, the reason, the decision.")

    @Argument(help: ArgumentHelp("A request.", valueName: "id")) var id: String
    @OptionGroup var options: StoreOptions

    func perform(_ interruption: Interruption) async throws -> Int32 {
        let id = try HumanRequestID.typed(id)
        let (request, now) = try await options.reading { store throws(LibOSError) in
            guard let request = try store.humanRequest(id) else { throw .notFound("human request \(id)") }
            return (request, store.now)
        }
        if options.json, case .object(let members) = request.json {
            Document.print("human_request/1", members)
        } else {
            Console.print(HumanRequestText.lines(request, now: now).joined(separator: "\n"))
            if request.status == .pending { Console.print("  \(HumanRequestText.remembered(request))") }
        }
        return ExitStatus.success
    }
}

extension HumanRequestID {
    static func typed(_ text: String) throws(CommandFailure) -> Self { try typed(text, "request", listedBy: "human list") }
}
