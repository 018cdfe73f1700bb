internal import AgentRuntime
internal import ArgumentParser
internal import CapabilityBroker
internal import CommandOutput
internal import LibOSModel
internal import StrictJSON

struct CapabilityRevokeCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "revoke", abstract: "Take a record back, and everything that was handed on from it.")

    @Argument(help: ArgumentHelp("A record.", valueName: "id")) var id: String
    @Option(help: "Why; it is recorded.") var reason: String?
    @OptionGroup var options: StoreOptions

    func perform(_ interruption: Interruption) async throws -> Int32 {
        let id = try CapabilityID.typed(id)
        let reason = reason
        let ended = try await RuntimeSession.with(options) { session in
            let broker = session.capabilities
            return try await session.store.write { transaction throws(LibOSError) in
                try broker.revoke(id, by: .human(HumanQueue.standardHuman), reason: reason, in: transaction)
            }
        }
        if options.json {
            Document.print("capabilities/1", "capabilities", ended.map(\.json))
        } else {
            for record in ended { Console.print(SafeText.line(record.line)) }
        }
        return ExitStatus.success
    }
}

extension CapabilityID {
    static func typed(_ text: String) throws(CommandFailure) -> Self { try typed(text, "capability", listedBy: "capability list") }
}
