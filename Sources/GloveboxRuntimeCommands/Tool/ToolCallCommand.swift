internal import AgentRuntime
internal import ArgumentParser
internal import CapabilityBroker
internal import CapabilityLanguage
internal import CommandOutput
internal import LibOSModel
internal import SandboxLauncher
internal import StrictJSON
internal import ToolBroker

struct ToolCallCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "call", abstract: "Call one tool, as an agent would: decided, sealed and recorded.",
        discussion: """
            Without --pid the call is made by a process of its own, which may do what --preset and --allow say, and ends with it.

            glovebox tool call read_text_file '{"path": "README.md"}' --allow filesystem:workspace:README.md=read

            Exit codes: 0 done; 1 the tool failed; 124 timeout; 125 it could not run, or nobody answered; 126 denied; 127 no such tool; \
            64 wrong arguments.
            """)

    @Argument(help: "A tool.") var name: String
    @Argument(help: "Its arguments, a JSON object.") var arguments = "{}"
    @Option(help: ArgumentHelp("Call it as this process, with its authority.", valueName: "pid")) var pid: String?
    @Option(help: ArgumentHelp("none, read-only, or edit.", valueName: "preset")) var preset: AuthorityPreset = .none
    @Option(help: ArgumentHelp("Allow for this call.", valueName: "resource=right,…")) var allow: [String] = []
    @Option(help: ArgumentHelp("Ask before this call.", valueName: "resource=right,…")) var ask: [String] = []
    @Option(help: ArgumentHelp("Deny for this call.", valueName: "resource=right,…")) var deny: [String] = []
    @Flag(inversion: .prefixedNo, help: "Ask on the terminal. Without either: when standard input is one.") var interactive: Bool?
    @OptionGroup var manifests: ToolOptions
    @OptionGroup var options: StoreOptions

    func validate() throws {
        if pid != nil, preset != .none || !allow.isEmpty || !ask.isEmpty || !deny.isEmpty {
            throw ValidationError("--pid calls with that process's authority; use `glovebox capability grant` to change it")
        }
    }

    func perform(_ interruption: Interruption) async throws -> Int32 {
        let arguments = try argumentValue()
        let caller = try pid.map { word throws(CommandFailure) in try ProcessID.typed(word) }
        let prompt = try TerminalPrompt.open(isWanted: interactive, interruption)
        let result = try await RuntimeSession.with(options, tools: manifests, makesStore: caller == nil) { session in
            guard let tool = session.registry.tool(named: name) else {
                let known = session.registry.all.map(\.name)
                throw CommandFailure(
                    exitCode: ExitStatus.notFound,
                    message: "there is no tool `\(printable(name))`; \(NearestWord.mend(for: name, among: known))")
            }
            return try await session.withTools { broker in
                let process: ProcessID
                if let caller { process = caller } else { process = try await makeCaller(tool, session) }
                let ended: Ended
                do {
                    ended = try await call(
                        ToolCallRequest(process: process, tool: name, arguments: arguments), broker, session,
                        responder: prompt.map { TerminalResponder(prompt: $0) })
                } catch {
                    if caller == nil { try? await session.runtime.signal(process, .terminate, reason: "the command failed") }
                    throw error
                }
                if caller == nil { try await end(process, ended, session) }
                return ended
            }
        }
        return conclude(result)
    }

    private enum Ended: Sendable {
        case result(ToolCallResult)
        case unanswered(WaitState)
    }

    private func argumentValue() throws(CommandFailure) -> JSONValue {
        let value: JSONValue
        do throws(JSONReadError) {
            value = try JSONDocument.read(Array(arguments.utf8), bounds: Self.argumentBounds).value
        } catch {
            throw .usage("the arguments are no JSON: \(error)")
        }
        guard case .object = value else { throw .usage("the arguments are no JSON object; write {\"name\": value}") }
        return value
    }

    private static let argumentBounds = DocumentBounds(bytes: 2 << 20, depth: 32, nodes: 50_000)

    /// A process for this one call, with this one tool.
    private func makeCaller(_ tool: ToolManifest, _ session: RuntimeSession) async throws -> ProcessID {
        var request = SpawnRequest(goal: .text("a call of \(tool.name) from the command line"))
        request.capabilities =
            preset.terms + (try CapabilityWords.terms(deny, .deny)) + (try CapabilityWords.terms(ask, .ask))
            + (try CapabilityWords.terms(allow, .allow))
        let (final, processes) = (request, session.runtime.processes)
        let (name, id) = (tool.name, tool.spec.id)
        return try await session.store.write { transaction throws(LibOSError) in
            var process = try processes.spawn(final, in: transaction)
            process.toolTable = [name: id]
            try transaction.update(process)
            return process.id
        }
    }

    private func call(
        _ request: ToolCallRequest, _ broker: ToolBroker, _ session: RuntimeSession, responder: TerminalResponder?
    ) async throws -> Ended {
        var request = request
        while true {
            switch try await broker.call(request) {
            case .done(let result): return .result(result)
            case .waiting(let wait):
                guard let responder, case .human(let ids) = wait, let id = ids.min() else { return .unanswered(wait) }
                let asked = try await session.store.read { store throws(LibOSError) in try store.humanRequest(id) }
                guard let asked, let decision = await responder.decision(for: asked) else { return .unanswered(wait) }
                _ = try await session.runtime.decide(id, decision)
                request = ToolCallRequest(process: request.process, tool: request.tool, arguments: request.arguments, resumed: id)
            }
        }
    }

    private func end(_ process: ProcessID, _ ended: Ended, _ session: RuntimeSession) async throws {
        let hasEnded = try await session.store.read { store throws(LibOSError) in try store.existingProcess(process).status.isTerminal }
        if hasEnded { return }
        try await session.runtime.signal(process, .terminate, reason: "the call from the command line is over")
    }

    private func conclude(_ ended: Ended) -> Int32 {
        switch ended {
        case .unanswered(let wait):
            if options.json {
                Document.print("tool_call/1", [JSONMember("ok", .bool(false)), JSONMember("wait", wait.json)])
            } else {
                Console.complain("the call \(wait.text), and nobody answered; run it on a terminal, or let an agent make it")
            }
            return ExitStatus.failure
        case .result(let result):
            if options.json {
                Document.print("tool_call/1", result.members)
            } else if result.isOK {
                Console.print(SafeText.clean(result.payload.prettyText))
            } else {
                Console.complain(Self.failureLine(result))
            }
            return Self.exitCode(result)
        }
    }

    /// What went wrong, what to do about it, said once, and where more is said.
    static func failureLine(_ result: ToolCallResult) -> String {
        let error = result.error ?? "the call failed"
        let suggestion = result.denial?.suggestion.flatMap { error.utf8.reversed().starts(with: $0.utf8.reversed()) ? nil : "; \($0)" }
        return "\(error)\(suggestion ?? ""); see `glovebox why \(result.call)`"
    }

    static func exitCode(_ result: ToolCallResult) -> Int32 {
        if result.isOK { return ExitStatus.success }
        if case .string("timeout")? = result.payload["error"]?["code"] { return ExitStatus.timedOut }
        return switch result.decision {
        case .deny: ExitStatus.denied
        case .validationError: result.denial?.layer == .schema ? ExitStatus.usage : ExitStatus.negative
        case .resourceLimit, .sandboxUnavailable: ExitStatus.failure
        default: ExitStatus.negative
        }
    }
}

extension ToolCallResult {
    fileprivate var members: [JSONMember] {
        [
            JSONMember("ok", .bool(isOK)), JSONMember("call_id", .string(call.text)), JSONMember("tool_id", .optional(tool?.text)),
            JSONMember("policy_decision", .string(decision.rawValue)), JSONMember("payload", payload),
            JSONMember("error", .optional(error)), JSONMember("denial", denial?.json ?? .null),
            JSONMember("result_oid", .optional(result?.object.text)),
        ]
    }
}
