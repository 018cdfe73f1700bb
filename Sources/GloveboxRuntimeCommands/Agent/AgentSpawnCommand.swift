internal import AgentRuntime
internal import ArgumentParser
internal import CapabilityBroker
internal import CapabilityLanguage
internal import CommandOutput
internal import LibOSModel
internal import StrictJSON
internal import ToolBroker

struct AgentSpawnCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "spawn", abstract: "Make an agent process. It runs with `agent run`.",
        discussion: """
            An agent may do what it is given here and nothing else; what its image wishes for is never granted.

            glovebox agent spawn --preset edit --goal "mend the failing test"
            glovebox agent spawn --allow filesystem:workspace:src=read --ask filesystem:workspace:src=write --allow human:owner=write
            """)

    @Option(help: "What it is to reach, in words.") var goal: String?
    @Option(help: "Template: what the model is told, and which tools it sees.") var image = BuiltInImages.coding.id
    @Option(help: ArgumentHelp("none, read-only, or edit (reads freely, asks before each change).", valueName: "preset"))
    var preset: AuthorityPreset = .none
    @Option(help: ArgumentHelp("Allow always.", valueName: "resource=right,…")) var allow: [String] = []
    @Option(help: ArgumentHelp("Ask a person each time.", valueName: "resource=right,…")) var ask: [String] = []
    @Option(help: ArgumentHelp("Deny, whatever else is allowed.", valueName: "resource=right,…")) var deny: [String] = []
    @Option(help: ArgumentHelp("A tool beside those of the image.", valueName: "name")) var tool: [String] = []
    @Option(help: ArgumentHelp("A bound, for example max_tool_calls=20.", valueName: "item=number")) var budget: [String] = []
    @Option(help: ArgumentHelp("Working directory, relative to the workspace.", valueName: "dir")) var cwd = "."
    @OptionGroup var manifests: ToolOptions
    @OptionGroup var options: StoreOptions

    func perform(_ interruption: Interruption) async throws -> Int32 {
        var request = SpawnRequest(image: image, goal: goal.map { .text($0) } ?? .standard, workingDirectory: cwd)
        request.capabilities =
            preset.terms + (try CapabilityWords.terms(deny, .deny)) + (try CapabilityWords.terms(ask, .ask))
            + (try CapabilityWords.terms(allow, .allow))
        for text in budget { try Self.set(text, in: &request.budget) }
        let (final, extra) = (request, tool)
        let process = try await RuntimeSession.with(options, tools: manifests, makesStore: true) { session in
            var table: [String: ToolID] = [:]
            for name in extra {
                guard let tool = session.registry.tool(named: name) else {
                    let known = session.registry.all.map(\.name)
                    throw CommandFailure.usage("there is no tool `\(printable(name))`; \(NearestWord.mend(for: name, among: known))")
                }
                table[name] = tool.spec.id
            }
            let (processes, added) = (session.runtime.processes, table)
            return try await session.store.write { transaction throws(LibOSError) in
                guard try transaction.image(final.image) != nil else {
                    let known = try transaction.images().map(\.id)
                    throw LibOSError(
                        .validation, "there is no image `\(printable(final.image))`", mend: "known are: " + known.joined(separator: ", "))
                }
                var process = try processes.spawn(final, in: transaction)
                if added.isEmpty { return process }
                process.toolTable.merge(added) { _, new in new }
                try transaction.update(process)
                try transaction.append(
                    AuditEntry(
                        actor: "human:\(HumanQueue.standardHuman)", action: "process.tools.configure", target: "process:\(process.id)",
                        decision: .object(["tools": .strings(process.toolTable.keys.sorted(by: utf8Precedes))])))
                return process
            }
        }
        if options.json { Document.print("process/1", process.members) } else { Console.print(process.id.text) }
        return ExitStatus.success
    }

    static func set(_ text: String, in budget: inout ResourceBudget) throws(CommandFailure) {
        let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2, let number = Int64(parts[1]), number >= 0 else {
            throw .usage("--budget \(printable(text)): write ITEM=NUMBER, for example max_tool_calls=20")
        }
        guard let item = BudgetItem(rawValue: parts[0]) else {
            let known = BudgetItem.allCases.map(\.rawValue)
            throw .usage("--budget \(printable(text)): there is no such item; \(NearestWord.mend(for: parts[0], among: known))")
        }
        budget[item] = number
    }
}

/// Authority that is often given together.
enum AuthorityPreset: String, ExpressibleByArgument, CaseIterable, Sendable {
    case none
    case readOnly = "read-only"
    case edit

    var terms: [CapabilityTerms] {
        switch self {
        case .none: []
        case .readOnly: Self.basis
        case .edit:
            Self.basis + Self.make([("filesystem:workspace:*", [.write, .delete])], .ask)
        }
    }

    /// Reading the workspace, asking its owner, and knowing the time.
    private static let basis = make(
        [("filesystem:workspace:*", [.read]), ("human:owner", [.write]), ("clock:now", [.read]), ("clock:sleep", [.execute])], .allow)

    private static func make(_ list: [(String, Set<CapabilityRight>)], _ effect: Effect) -> [CapabilityTerms] {
        list.map { text, rights in
            guard let resource = try? Resource.parse(text) else { preconditionFailure("\(text) is no resource") }
            return CapabilityTerms(resource: resource, rights: rights, effect: effect)
        }
    }
}
