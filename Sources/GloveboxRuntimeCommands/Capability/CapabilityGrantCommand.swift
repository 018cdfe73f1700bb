internal import AgentRuntime
internal import ArgumentParser
internal import CapabilityBroker
internal import CapabilityLanguage
internal import CommandOutput
internal import LibOSModel
internal import StrictJSON

struct CapabilityGrantCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "grant", abstract: "Give a process a record: allow, or with --ask or --deny the opposite.",
        discussion: "A deny that the process has already outweighs every allow; revoke it first.")

    @Argument(help: ArgumentHelp("A process.", valueName: "pid")) var pid: String
    @Argument(help: ArgumentHelp("What it may do.", valueName: "resource=right,…")) var need: String
    @Flag(help: "A person is asked each time.") var ask = false
    @Flag(help: "It may not.") var deny = false
    @Option(help: ArgumentHelp("How long: 10m, 1h.", valueName: "duration")) var expires: String?
    @Option(help: ArgumentHelp("How often.", valueName: "number")) var uses: Int64?
    @Option(help: ArgumentHelp("Only in calls of this tool. May be repeated.", valueName: "name")) var tool: [String] = []
    @Flag(help: "It may hand it on to its children.") var delegable = false
    @OptionGroup var options: StoreOptions

    func validate() throws {
        if ask, deny { throw ValidationError("--ask and --deny are two different records; give one") }
    }

    func perform(_ interruption: Interruption) async throws -> Int32 {
        let id = try ProcessID.typed(pid)
        let need = try CapabilityWords.need(need, option: "grant")
        var terms = CapabilityTerms(
            resource: need.resource, rights: need.rights, effect: deny ? .deny : ask ? .ask : .allow, isDelegable: delegable, uses: uses)
        if !tool.isEmpty { terms.constraints.tools = Set(tool) }
        terms.expiresAt = try expires.map { word throws(CommandFailure) in
            try CapabilityWords.instant(in: word, from: SystemClock().now(), option: "--expires")
        }
        let final = terms
        let record = try await RuntimeSession.with(options) { session in
            let broker = session.capabilities
            return try await session.store.write { transaction throws(LibOSError) in
                let process = try transaction.existingProcess(id)
                if process.status.isTerminal { throw LibOSError(.process, "process \(id) has ended and does nothing any more") }
                return try broker.grant(final, to: id, by: .human(HumanQueue.standardHuman), in: transaction)
            }
        }
        if options.json { Document.print("capability/1", record.members) } else { Console.print(SafeText.line(record.line)) }
        return ExitStatus.success
    }
}
