internal import ArgumentParser
internal import CommandOutput
internal import LibOSModel
internal import StrictJSON

struct WhyCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Explain one call, refusal, request, process or capability from beginning to end.",
        discussion: """
            Who asked for what, which rules and records decided, who agreed, what the sandbox enforced and refused, and what came of \
            it. Of a process it tells every refusal.
            """)

    @Argument(help: ArgumentHelp("A tool call, an audit record, a human request, a process or a capability.", valueName: "id"))
    var id: String
    @OptionGroup var options: StoreOptions

    func perform(_ interruption: Interruption) async throws -> Int32 {
        let subject = try WhySubject(id)
        let explanation = try await options.reading { store throws(LibOSError) in try subject.explanation(in: store) }
        if options.json {
            Document.print("why/1", explanation.json)
        } else {
            Console.print(explanation.lines.joined(separator: "\n"))
        }
        return ExitStatus.success
    }
}

/// What is to be explained, told by the beginning of its id.
enum WhySubject: Sendable, Equatable {
    case call(ToolCallID)
    case audit(AuditID)
    case request(HumanRequestID)
    case process(ProcessID)
    case capability(CapabilityID)

    init(_ text: String) throws(CommandFailure) {
        if let id = ToolCallID(text) {
            self = .call(id)
        } else if let id = AuditID(text) {
            self = .audit(id)
        } else if let id = HumanRequestID(text) {
            self = .request(id)
        } else if let id = ProcessID(text) {
            self = .process(id)
        } else if let id = CapabilityID(text) {
            self = .capability(id)
        } else {
            throw .usage(
                "`\(printable(text))` is no id that can be explained; those begin with tcall_, audit_, hreq_, pid_ or cap_: see "
                    + "`glovebox audit list`, `human list`, `agent ps`, `capability list`")
        }
    }

    func explanation(in store: any StoreReading) throws(LibOSError) -> Explanation {
        switch self {
        case .call(let id): try store.explainCall(id)
        case .audit(let id): try store.explainAudit(id)
        case .request(let id): try store.explainRequest(id)
        case .process(let id): try store.explainProcess(id)
        case .capability(let id): try store.explainCapability(id)
        }
    }
}
