internal import CapabilityBroker
internal import CapabilityLanguage
internal import LibOSModel
internal import SandboxPolicy
internal import StrictJSON

extension ToolBroker {
    /// The first transaction: everything that is decided before something starts, and the intent.
    func prepare(_ request: ToolCallRequest) async throws(LibOSError) -> Preparation {
        let tool = registry.tool(named: request.tool)
        var policy: CallPolicy?
        var policyProblem: PolicyError?
        if let name = tool?.policy {
            do throws(PolicyError) {
                policy = policies.policy(try loadPolicy(name), named: name)
            } catch {
                policyProblem = error
            }
        }
        let (loaded, problem) = (policy, policyProblem)
        let programs = await programs(of: tool)
        // What starts a process must be on disk before; the runtime's own calls are one transaction there.
        let durability: Durability = policy == nil ? .process : .power
        return try await store.write(durability) { transaction throws(LibOSError) in
            let step = CallPreparation(
                broker: self, request: request, tool: tool, programs: programs, policy: loaded, policyProblem: problem)
            return try step.decide(in: transaction)
        }
    }

    /// Most tools have no files; those of the others are read apart from the pool that everybody shares.
    private func programs(of tool: ToolManifest?) async -> [String] {
        guard let files = tool?.files, !files.isEmpty else { return [] }
        let digests = digests
        return await Self.onThread(otherwise: []) { digests.words(of: files) }
    }
}

private struct CallPreparation {
    let broker: ToolBroker
    let request: ToolCallRequest
    let tool: ToolManifest?
    /// What its files hold.
    let programs: [String]
    let policy: CallPolicy?
    let policyProblem: PolicyError?
    let id = ToolCallID.new()

    func decide(in transaction: any StoreTransaction) throws(LibOSError) -> Preparation {
        let process = try transaction.existingProcess(request.process)
        // What names no tool may be any text.
        let name = tool?.name ?? printable(String(request.tool.prefix(128)))
        let recorder = CallRecorder(process: process.id, call: id, tool: tool?.spec, name: name, correlation: request.correlation)
        guard let tool else {
            return .ended(
                try recorder.refuse(
                    .deny, reason: "unknown_tool",
                    Denial(
                        layer: .toolTable, rule: "no such tool", reason: "there is no tool `\(name)`",
                        suggestion: suggestion(process)), in: transaction))
        }
        if process.status.isTerminal {
            return .ended(
                try recorder.refuse(
                    .deny, reason: "terminal_process",
                    Denial(
                        layer: .process, rule: "terminal is final", reason: "process \(process.id) has ended and calls nothing any more"),
                    in: transaction))
        }
        if process.toolTable[tool.name] != tool.spec.id {
            return .ended(
                try recorder.refuse(
                    .deny, reason: "tool_not_in_process_table",
                    Denial(
                        layer: .toolTable, rule: "not in the table of \(process.id)",
                        reason: "the process does not have the tool `\(tool.name)`", suggestion: suggestion(process)),
                    in: transaction))
        }
        if !request.isRepeated {
            do throws(LibOSError) {
                try transaction.charge(1, of: .toolCalls, to: process.id)
            } catch {
                guard error.code == .limit, let denial = error.denial else { throw error }
                return .ended(try recorder.refuse(.resourceLimit, reason: "max_tool_calls", denial, in: transaction))
            }
        }
        try recorder.called(request.arguments, in: transaction)
        return try decideArguments(tool, process, recorder, in: transaction)
    }

    private func suggestion(_ process: AgentProcess) -> String? {
        guard let near = NearestWord.suggestion(for: request.tool, among: process.toolTable.keys.sorted()), near != request.tool else {
            return nil
        }
        return "did you mean `\(near)`?"
    }

    private func decideArguments(
        _ tool: ToolManifest, _ process: AgentProcess, _ recorder: CallRecorder, in transaction: any StoreTransaction
    ) throws(LibOSError) -> Preparation {
        let problems = tool.input.problems(with: request.arguments)
        if !problems.isEmpty {
            let failure = ToolFailure(
                .validation, "the arguments are wrong: " + problems.map(\.description).joined(separator: "; "),
                details: .object(["problems": .array(problems.map(\.json))]),
                denial: Denial(layer: .schema, rule: "input of \(tool.name)", reason: problems[0].description))
            return .ended(try recorder.fail(failure, .validationError, in: transaction))
        }
        if let policyProblem {
            let reason = "the tool's policy cannot be used: \(policyProblem)"
            let failure = ToolFailure(
                .execution, reason, denial: Denial(layer: .policy, rule: tool.policy ?? "no policy", reason: reason))
            return .ended(try recorder.fail(failure, .sandboxUnavailable, in: transaction))
        }
        if let refusal = tool.sessionRefusal(under: policy?.resolved) {
            return .ended(try recorder.fail(ToolFailure(.denied, refusal.reason, denial: refusal), .deny, in: transaction))
        }
        let arguments = tool.input.withDefaults(request.arguments)
        let plan: PreparedCall.Plan
        var needs: [NeededRight] = []
        do throws(LibOSError) {
            plan = try self.plan(tool, arguments, process.workingDirectory)
            for template in tool.needs { needs += try template.needs(arguments, workingDirectory: process.workingDirectory) }
        } catch {
            return .ended(try recorder.fail(ToolFailure(error), error.code == .denied ? .deny : .validationError, in: transaction))
        }
        let hash = ActionHash.of(
            tool: tool.name, deed: tool.deed(programs), arguments: arguments, workingDirectory: process.workingDirectory,
            policyHash: policy?.hash)
        var call = PreparedCall(
            id: id, request: request, tool: tool, arguments: arguments, workingDirectory: process.workingDirectory, actionHash: hash,
            record: ToolCallRecord(
                id: id, process: process.id, tool: tool.spec.id, toolName: tool.name, arguments: arguments, actionHash: hash,
                policyHash: policy?.hash, createdAt: transaction.now),
            intent: nil, decision: nil, reservation: nil, policy: policy, plan: plan, programs: programs)
        switch plan {
        case .syscall, .file, .bridge: return .ready(call) // decided where it is done, in one step with its effect
        case .command, .channel: break
        }
        var argv: [String]?
        if case .command(let words) = plan { argv = words }
        let decision = try broker.capabilities.authorize(
            AuthorizationRequest(
                subject: process.id, needs: needs, context: ActionContext(tool: tool.name, actionHash: hash, arguments: argv),
                policy: policy?.resolved), in: transaction)
        switch decision.effect {
        case .deny:
            let denial = decision.denial ?? Denial(layer: .capability, rule: "no record", reason: decision.reason)
            return .ended(try recorder.fail(ToolFailure(.denied, denial.reason, denial: denial), .deny, in: transaction))
        case .ask: return try ask(call, decision, recorder, in: transaction)
        case .allow:
            call.decision = decision
            call.record.capabilities = decision.capabilities
            try transaction.insert(call.record)
            call.reservation = try broker.capabilities.reserve(decision, of: process.id, for: id, in: transaction)
            call.session = try broker.sessionClaim(of: call, process, needs, decision, in: transaction)
            call.intent = try recorder.intend(call, in: transaction)
            return .ready(call)
        }
    }

    private func ask(
        _ call: PreparedCall, _ decision: AuthorizationDecision, _ recorder: CallRecorder, in transaction: any StoreTransaction
    ) throws(LibOSError) -> Preparation {
        if let denial = try HumanAnswer.denial(request.resumed, in: transaction) {
            return .ended(try recorder.fail(ToolFailure(.denied, denial.reason, denial: denial), .deny, in: transaction))
        }
        let approval = ApprovalRequest(
            tool: call.tool.name, arguments: call.arguments, actionHash: call.actionHash, policyHash: policy?.hash ?? "",
            needs: decision.asked, rules: decision.askingRules,
            facts: CallFacts.of(call.plan, call.arguments, workingDirectory: call.workingDirectory))
        let asked: HumanRequestID
        do throws(LibOSError) {
            asked = try broker.kernel.ask(approval, for: request.process, in: transaction)
        } catch {
            guard let denial = error.denial else { throw error }
            return .ended(try recorder.fail(ToolFailure(.denied, denial.reason, denial: denial), .deny, in: transaction))
        }
        let wait = WaitState.human([asked])
        try recorder.waiting(wait, in: transaction)
        return .waiting(wait)
    }

    // MARK: - What will be run

    private func plan(_ tool: ToolManifest, _ arguments: JSONValue, _ directory: String) throws(LibOSError) -> PreparedCall.Plan {
        switch tool.action {
        case .syscall(let name):
            let syscall = Syscall(name: name, arguments: arguments)
            if LibOSCall.files.contains(name) { return .file(try FileCall.read(syscall, workingDirectory: directory)) }
            if LibOSCall.bridges.contains(name) { return .bridge(syscall) }
            return .syscall(syscall)
        case .command(let words): return .command(try ArgumentText(arguments: arguments).commandLine(words))
        case .channel(let words):
            var descriptors: [PreparedCall.DescriptorPlan] = []
            let text = ArgumentText(arguments: arguments)
            for template in tool.descriptors {
                let path = try text.texts(template.path)[0]
                descriptors.append(.init(name: template.name, place: try WorkspacePath.of(path, in: directory), mode: template.mode))
            }
            return .channel(try text.commandLine(words), descriptors)
        }
    }
}

/// What a person decided about an action that comes again.
enum HumanAnswer {
    /// A denial when the request was decided against, or can no longer be decided; nil when it was approved or is not there.
    static func denial(_ id: HumanRequestID?, in store: any StoreReading) throws(LibOSError) -> Denial? {
        guard let id, let request = try store.humanRequest(id) else { return nil }
        switch request.status {
        case .rejected:
            let reason = request.decision?.reason.map { ": " + printable($0) } ?? ""
            return Denial(layer: .human, rule: id.text, reason: "\(request.decision?.responder ?? "a person") said no\(reason)")
        case .expired: return Denial(layer: .human, rule: id.text, reason: "nobody answered in time", suggestion: "ask again")
        case .cancelled: return Denial(layer: .human, rule: id.text, reason: "the question was withdrawn")
        default: return nil
        }
    }
}
