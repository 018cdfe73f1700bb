internal import ArgumentParser
internal import CapabilityBroker
internal import CapabilityLanguage
internal import CommandOutput
internal import Glovebox
internal import LibOSModel
internal import SandboxPolicy

struct CapabilityExplainCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Say whether a process may do something now, and which records decide.",
        discussion: "Exit codes: 0 it may; 1 it may not; 3 a person would be asked.")

    @Argument(help: ArgumentHelp("A process.", valueName: "pid")) var pid: String
    @Argument(help: ArgumentHelp("What it would do.", valueName: "resource=right,…")) var need: String
    @Option(help: ArgumentHelp("The tool that would do it, for records that name tools.", valueName: "name")) var tool: String?
    @Option(help: ArgumentHelp("A policy that it would run under too.", valueName: "policy")) var policy: String?
    @OptionGroup var options: StoreOptions

    func perform(_ interruption: Interruption) async throws -> Int32 {
        let request = AuthorizationRequest(
            subject: try ProcessID.typed(pid), needs: [try CapabilityWords.need(need, option: "explain")],
            context: ActionContext(tool: tool), policy: try policy.map { name throws(PolicyError) in try PolicyStore.standard().load(name) }
        )
        let explanation = try await options.reading { store throws(LibOSError) in
            _ = try store.existingProcess(request.subject)
            return try CapabilityBroker().explain(request, in: store)
        }
        if options.json { Console.printJSON(explanation.json) } else { Console.print(String(explanation.text.dropLast())) }
        switch explanation.decision.effect {
        case .allow: return ExitStatus.success
        case .ask: return ExitStatus.ask
        case .deny: return ExitStatus.negative
        }
    }
}
