internal import AgentRuntime
internal import ArgumentParser
internal import CommandOutput
internal import LibOSModel
internal import StrictJSON

struct HumanListCommand: StoreCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List what waits for a decision.")

    @Flag(help: "Decided and delivered ones too.") var all = false
    @OptionGroup var options: StoreOptions

    func perform(_ interruption: Interruption) async throws -> Int32 {
        let wanted: HumanRequest.Status? = all ? nil : .pending
        let (requests, now) = try await options.reading { store throws(LibOSError) in
            (try store.humanRequests(status: wanted, process: nil), store.now)
        }
        if options.json {
            Document.print("human_requests/1", "requests", requests.map(\.json))
        } else if requests.isEmpty {
            Console.note("nobody asks anything")
        } else {
            var table = TextTable(["ID", "STATUS", "KIND", "PROCESS", ""])
            for request in requests {
                let isOver = request.status == .pending && request.expiresAt.map { $0 <= now } == true
                table.add([
                    request.id.text, isOver ? "expired" : request.status.rawValue, request.content.kind, request.process.text,
                    printable(HumanRequestText.summary(request)).shortened(to: 100),
                ])
            }
            table.print()
        }
        return ExitStatus.success
    }
}
