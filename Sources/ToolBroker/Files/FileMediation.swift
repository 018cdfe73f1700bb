internal import CapabilityBroker
internal import CapabilityLanguage
internal import LibOSModel
internal import SandboxPolicy
internal import StrictJSON

/// On whose behalf the broker touches files, and what that call is.
struct FileCaller: Sendable {
    var process: ProcessID
    var tool: String
    var call: ToolCallID
    var resumed: HumanRequestID?
    /// The call's own row, for calls that are nothing but this: it becomes durable with the decision.
    var record: ToolCallRecord?
    var actionHash: String
    var correlation: String?
    /// Decides beside the records: the tool's own.
    var policy: CallPolicy?

    func request(for need: NeededRight) -> AuthorizationRequest {
        AuthorizationRequest(
            subject: process, needs: [need], context: ActionContext(tool: tool, actionHash: actionHash), policy: policy?.resolved)
    }

    /// A tool that is a file call itself.
    init(_ call: PreparedCall) {
        process = call.request.process
        tool = call.tool.name
        self.call = call.id
        resumed = call.request.resumed
        record = call.record
        actionHash = call.actionHash
        correlation = call.request.correlation
        policy = call.policy
    }

    /// A file call that a running tool makes: an action of its own.
    init(_ call: PreparedCall, syscall: Syscall) {
        self.init(call)
        record = nil
        resumed = nil
        tool = "libos." + syscall.name
        actionHash = ActionHash.of(
            tool: tool, arguments: syscall.arguments, workingDirectory: call.workingDirectory, policyHash: call.policy?.hash)
    }
}

/// The decision about one file call.
enum FileDecision: Sendable {
    case allowed(AuthorizationDecision, UseReservation?, AuditID?)
    case denied(Denial)
    case waiting(WaitState)
}

extension ToolBroker {
    /// One file call: authority before anything is looked at, the intent of an effect before the effect, then both records.
    func perform(_ file: FileCall, for caller: FileCaller) async -> CallOutcome {
        let decision: FileDecision
        do throws(LibOSError) {
            decision = try await decide(file, for: caller)
        } catch {
            return CallOutcome(kind: .failure(ToolFailure(error), Self.decision(error)), hasStarted: false)
        }
        switch decision {
        case .waiting(let wait): return CallOutcome(kind: .waiting(wait), hasStarted: false)
        case .denied(let denial):
            return CallOutcome(kind: .failure(ToolFailure(.denied, denial.reason, denial: denial), .deny), hasStarted: false)
        case .allowed(let decision, let reservation, let intent):
            do throws(LibOSError) {
                var inner: [WorkspacePath] = []
                if case .deleteDirectory(true) = file.operation { inner = try await decidedContents(file, caller) }
                let (files, decided) = (files, inner)
                let effect = try await WorkspaceFiles.work { () throws(LibOSError) in try file.perform(in: files, deleting: decided) }
                try await closeFile(file, caller, decision, reservation, intent, .success(effect))
                return CallOutcome(
                    kind: .output(ToolOutput(data: effect.value, content: effect.value.member("text")?.text)), hasStarted: true)
            } catch {
                // Which half of an effect happened is not known in general; a use that may have been taken stays taken.
                try? await closeFile(file, caller, decision, reservation, intent, .failure(error))
                return CallOutcome(kind: .failure(ToolFailure(error), Self.decision(error)), hasStarted: true)
            }
        }
    }

    func decide(_ file: FileCall, for caller: FileCaller) async throws(LibOSError) -> FileDecision {
        try await store.write(file.hasEffect ? .power : .process) { transaction throws(LibOSError) in
            let process = try transaction.existingProcess(caller.process)
            if process.status.isTerminal {
                return .denied(Denial(layer: .process, rule: "terminal is final", reason: "process \(process.id) has ended"))
            }
            let decision = try capabilities.authorize(caller.request(for: file.need), in: transaction)
            switch decision.effect {
            case .deny:
                let denial = decision.denial ?? Denial(layer: .capability, rule: "no record", reason: decision.reason)
                try audit(file, caller, [JSONMember("ok", .bool(false)), JSONMember("denial", denial.json)], nil, in: transaction)
                return .denied(denial)
            case .ask:
                if let denial = try HumanAnswer.denial(caller.resumed, in: transaction) { return .denied(denial) }
                let request = ApprovalRequest(
                    tool: caller.tool, arguments: caller.record?.arguments ?? file.facts, actionHash: caller.actionHash,
                    policyHash: caller.policy?.hash ?? "",
                    needs: decision.asked, rules: decision.askingRules, facts: file.facts)
                do throws(LibOSError) {
                    return .waiting(.human([try kernel.ask(request, for: process.id, in: transaction)]))
                } catch {
                    guard let denial = error.denial else { throw error }
                    try audit(file, caller, [JSONMember("ok", .bool(false)), JSONMember("denial", denial.json)], nil, in: transaction)
                    return .denied(denial)
                }
            case .allow:
                if file.hasEffect, var record = caller.record {
                    record.capabilities = decision.capabilities
                    try transaction.insert(record)
                }
                let reservation = try capabilities.reserve(
                    decision, of: process.id, for: file.hasEffect && caller.record != nil ? caller.call : nil, in: transaction)
                // A use that was taken must stay taken.
                if reservation != nil { transaction.demand(.power) }
                guard file.hasEffect else { return .allowed(decision, reservation, nil) }
                let intent = try transaction.append(
                    AuditEntry(
                        actor: caller.process.text, action: "external_effect.intent", target: file.need.resource.description,
                        capabilities: decision.capabilities,
                        decision: .object([
                            "call_id": .string(caller.call.text), "tool": .string(caller.tool), "operation": .string(file.name),
                            "action_hash": .string(caller.actionHash), "policy_decision": .string("allow"),
                        ]), correlation: caller.correlation ?? caller.call.text))
                return .allowed(decision, reservation, intent.id)
            }
        }
    }

    /// What a recursive deletion takes: names that no grant covers as one, so each is decided before the first is taken.
    private func decidedContents(_ file: FileCall, _ caller: FileCaller) async throws(LibOSError) -> [WorkspacePath] {
        let files = files
        let places = try await WorkspaceFiles.work { () throws(LibOSError) in try files.contents(of: file.place) }
        let refused = try await store.read { reading throws(LibOSError) -> WorkspacePath? in
            for place in places {
                let need = NeededRight(resource: place.resource, rights: [.delete])
                if try !capabilities.authorize(caller.request(for: need), in: reading).isAllowed { return place }
            }
            return nil
        }
        guard let refused else { return places }
        throw .denied(
            Denial(
                layer: .capability, rule: "delete \(refused)", reason: "the directory holds \(refused), which may not be deleted",
                suggestion: "allow filesystem:workspace:\(refused) delete"))
    }

    private func closeFile(
        _ file: FileCall, _ caller: FileCaller, _ decision: AuthorizationDecision, _ reservation: UseReservation?, _ intent: AuditID?,
        _ result: Result<FileEffect, LibOSError>
    ) async throws(LibOSError) {
        try await store.write { transaction throws(LibOSError) in
            switch result {
            case .success(let effect):
                if let reservation { try capabilities.commit(reservation, in: transaction) }
                try record(file, caller, effect.facts, decision.capabilities, intent, in: transaction)
            case .failure(let error):
                // Refused before anything was changed: single operations change all or nothing.
                let isUndone = error.code != .store && file.operation != .deleteDirectory(recursive: true)
                if let reservation, isUndone {
                    try capabilities.restore(reservation, because: .refusedBeforeDispatch(error.message), in: transaction)
                } else if let reservation {
                    try capabilities.commit(reservation, in: transaction)
                }
                var members = [JSONMember("ok", .bool(false)), JSONMember("error", .string(error.description))]
                if let denial = error.denial { members.append(JSONMember("denial", denial.json)) }
                try audit(file, caller, members, intent, capabilities: decision.capabilities, in: transaction)
            }
        }
    }

    /// The event and the audit record of a file that was touched.
    func record(
        _ file: FileCall, _ caller: FileCaller, _ facts: [JSONMember], _ capabilities: [CapabilityID], _ parent: AuditID?,
        in transaction: any StoreTransaction
    ) throws(LibOSError) {
        try transaction.append(
            RuntimeEvent(
                type: file.eventType, source: caller.process.text, target: file.need.resource.description,
                payload: file.eventPayload(facts + [JSONMember("call_id", .string(caller.call.text))]), createdAt: transaction.now))
        try audit(file, caller, [JSONMember("ok", .bool(true))] + facts, parent, capabilities: capabilities, in: transaction)
    }

    private func audit(
        _ file: FileCall, _ caller: FileCaller, _ members: [JSONMember], _ parent: AuditID?, capabilities: [CapabilityID] = [],
        in transaction: any StoreTransaction
    ) throws(LibOSError) {
        try transaction.append(
            AuditEntry(
                actor: caller.process.text, action: "external.filesystem.\(file.name)", target: file.need.resource.description,
                capabilities: capabilities,
                decision: .object(
                    [JSONMember("call_id", .string(caller.call.text)), JSONMember("tool", .string(caller.tool))]
                        + [JSONMember("path", .string(file.place.text))] + members), parent: parent,
                correlation: caller.correlation ?? caller.call.text))
    }
}
