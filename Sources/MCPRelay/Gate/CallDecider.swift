internal import AgentRuntime
internal import CapabilityBroker
internal import CapabilityLanguage
internal import LibOSModel
internal import ModelContextProtocol
internal import SandboxPolicy
internal import StrictJSON

/// Decides one call in one transaction, together with the record of the decision.
struct CallDecider: Sendable {
    let session: RuntimeToolGate.Session
    private let argumentRules: ArgumentRuleCache

    init(session: RuntimeToolGate.Session) {
        self.session = session
        argumentRules = ArgumentRuleCache(ofPolicy: session.policy.rules.map(\.resource).filter { $0.kind == .mcp })
    }

    enum Verdict: Sendable {
        /// With the definition that somebody agreed to, when the call rested on that.
        case pass(CallTicket, agreed: JSONValue?)
        case denied(Denial)
        case ask(HumanRequest, isDefinition: Bool)
    }

    /// - Parameters:
    ///   - changed: what the tool says of itself now, when nobody has agreed to that.
    ///   - continuing: an action that was agreed to and goes on, when this is one.
    func decide(
        _ call: ToolCall, id: ToolCallID, changed: JSONValue?, continuing: String? = nil, _ broker: CapabilityBroker,
        in transaction: any StoreTransaction
    ) throws(LibOSError) -> Verdict {
        let arguments = call.arguments.canonicalText
        let facts = CallFacts(call: call, id: id, argumentsHash: SHA256Text.of(arguments), session: session)
        guard let tool = session.resources.tool(call.name) else {
            let reason = "no rule can name a tool called like this"
            return try refuse(facts, nil, Denial(layer: .toolTable, rule: "names of tools", reason: reason), in: transaction)
        }
        let resource = tool.description
        if try transaction.existingStatus(of: session.process).isTerminal {
            let denial = Denial(
                layer: .process, rule: "terminal is final", reason: "the session of this server was ended",
                suggestion: "start the server anew")
            return try refuse(facts, resource, denial, in: transaction)
        }
        var agreed: JSONValue?
        if let changed {
            let hash = hash(of: "definition of \(resource)", .object(["definition": changed]))
            let wanted = Wanted(
                tool: tool, resource: resource, hash: hash, arguments: .object(["definition": changed]), rules: ["pinned definition"])
            switch try approval(wanted, broker, in: transaction) {
            case .given: agreed = changed
            case .refused(let denial): return try refuse(facts, resource, denial, in: transaction)
            case .none: return try ask(wanted, facts, isDefinition: true, broker, in: transaction)
            }
        }
        let hash = hash(of: resource, call.arguments)
        let names = try argumentRules.rules(of: session.process, in: transaction)
        var needs = [NeededRight(resource: tool, rights: [.execute])]
        if case .object(let members) = call.arguments, !names.isEmpty {
            for member in members {
                guard let match = names.match(member.key, of: tool) else { continue }
                let values = argumentValues(member.value)
                for value in values {
                    let named = match == .named ? session.resources.value(value, of: member.key, in: tool) : .incomparable
                    switch named {
                    case .resource(let resource): needs.append(NeededRight(resource: resource, rights: [.execute]))
                    case .outside(let resource):
                        if let denial = try outside(resource, tool, hash, broker, in: transaction) {
                            return try refuse(facts, tool.description, denial, in: transaction)
                        }
                    case .incomparable:
                        let reason =
                            "the argument \(printable(String(member.key.prefix(64)))) is ruled about, and its value cannot be compared with rules"
                        return try refuse(
                            facts, resource,
                            Denial(
                                layer: .capability, rule: "values of arguments", reason: reason,
                                suggestion: "give a plain value, without `..`, `*` or empty parts"), in: transaction)
                    }
                }
            }
        }
        let decision = try authorize(needs, hash, broker, in: transaction)
        var agreedHash: String?
        switch decision.effect {
        case .deny:
            let denial = decision.denial ?? Denial(layer: .capability, rule: "no record", reason: decision.reason)
            return try refuse(facts, resource, denial, in: transaction)
        case .ask where continuing.map({ $0.utf8.elementsEqual(hash.utf8) }) == true: agreedHash = hash
        case .ask:
            let wanted = Wanted(tool: tool, resource: resource, hash: hash, arguments: call.arguments, rules: decision.askingRules)
            switch try approval(wanted, broker, in: transaction) {
            case .given: agreedHash = hash
            case .refused(let denial): return try refuse(facts, resource, denial, in: transaction)
            case .none: return try ask(wanted, facts, isDefinition: false, broker, in: transaction)
            }
        case .allow:
            if let reservation = try broker.reserve(decision, of: session.process, in: transaction) {
                try broker.commit(reservation, in: transaction)
            }
        }
        let intent = try transaction.append(
            facts.entry(
                "external_effect.intent", resource,
                [
                    JSONMember("protocol", .string("mcp")), JSONMember("action_hash", .string(hash)),
                    JSONMember("policy_hash", .string(session.policyHash)), JSONMember("policy_decision", .string("allow")),
                ], capabilities: decision.capabilities))
        var ticket = CallTicket(id: id, resource: resource, tool: call.name, intent: intent.id, argumentsHash: facts.argumentsHash)
        ticket.agreedHash = agreedHash
        return .pass(ticket, agreed: agreed)
    }

    /// Names of the tools that would be denied whatever their arguments.
    func denied(_ names: [String], _ broker: CapabilityBroker, in store: any StoreReading) throws(LibOSError) -> Set<[UInt8]> {
        var denied: Set<[UInt8]> = []
        for name in names {
            if let tool = session.resources.tool(name) {
                let decision = try authorize([NeededRight(resource: tool, rights: [.execute])], nil, broker, in: store)
                if decision.effect != .deny { continue }
            }
            denied.insert(Array(name.utf8))
        }
        return denied
    }

    private func authorize(
        _ needs: [NeededRight], _ hash: String?, _ broker: CapabilityBroker, in store: any StoreReading
    ) throws(LibOSError) -> AuthorizationDecision {
        try broker.authorize(
            AuthorizationRequest(
                subject: session.process, needs: needs, context: ActionContext(tool: "mcp", actionHash: hash), policy: session.policy),
            in: store)
    }

    /// Rules name places in the workspace; of others only a deny of the same name counts, and what holds for all values.
    private func outside(
        _ resource: Resource, _ tool: Resource, _ hash: String, _ broker: CapabilityBroker, in store: any StoreReading
    ) throws(LibOSError) -> Denial? {
        let decision = try authorize([NeededRight(resource: resource, rights: [.execute])], hash, broker, in: store)
        if let denial = decision.denial { return denial }
        let general = Resource(kind: .mcp, parts: resource.parts.prefix(tool.parts.count + 1).map(\.text), extent: .exact)
        return try authorize([NeededRight(resource: general, rights: [.execute])], hash, broker, in: store).denialWithoutHuman
    }

    /// Of a list each item stands for itself.
    private func argumentValues(_ value: JSONValue) -> [JSONValue] {
        if case .array(let items) = value { items } else if case .null = value { [] } else { [value] }
    }

    /// What an answer to a question about this call is bound to; nil when no rule can name its tool.
    func actionHash(of call: ToolCall) -> String? { session.resources.tool(call.name).map { hash(of: $0.description, call.arguments) } }

    /// A call that is not made because of what came of its question.
    func refuse(_ call: ToolCall, id: ToolCallID, _ denial: Denial, in transaction: any StoreTransaction) throws(LibOSError) -> Verdict {
        let facts = CallFacts(call: call, id: id, argumentsHash: SHA256Text.of(call.arguments.canonicalText), session: session)
        return try refuse(facts, session.resources.tool(call.name)?.description, denial, in: transaction)
    }

    private func hash(of action: String, _ arguments: JSONValue) -> String {
        ActionHash.of(
            tool: action, arguments: arguments, workingDirectory: session.resources.workspace, policyHash: session.policyHash)
    }

    // MARK: - People

    private struct Wanted {
        var tool: Resource
        var resource: String
        var hash: String
        var arguments: JSONValue
        var rules: [String]
    }

    private enum Answer {
        case given
        case refused(Denial)
        case none
    }

    /// What a person said to this very action. A yes is used up by being found.
    private func approval(
        _ wanted: Wanted, _ broker: CapabilityBroker, in transaction: any StoreTransaction
    ) throws(LibOSError) -> Answer {
        let need = NeededRight(resource: session.resources.approved(wanted.tool, wanted.hash), rights: [.execute])
        let decision = try authorize([need], wanted.hash, broker, in: transaction)
        // Nothing but a yes to this action counts here: wider records speak of the tool, and have spoken.
        if decision.isAllowed, decision.rights.allSatisfy(\.answersPolicy),
            let reservation = try broker.reserve(
                decision, of: session.process, in: transaction)
        {
            try broker.commit(reservation, in: transaction)
            return .given
        }
        for request in try transaction.humanRequests(status: .rejected, process: session.process).reversed() {
            guard case .approval(let asked, _) = request.content, asked.actionHash.utf8.elementsEqual(wanted.hash.utf8) else { continue }
            let reason = request.decision?.reason.map { ": " + printable($0) } ?? ""
            return .refused(
                Denial(layer: .human, rule: request.id.text, reason: "\(request.decision?.responder ?? "a person") said no\(reason)"))
        }
        return .none
    }

    private func ask(
        _ wanted: Wanted, _ facts: CallFacts, isDefinition: Bool, _ broker: CapabilityBroker, in transaction: any StoreTransaction
    ) throws(LibOSError) -> Verdict {
        let request: HumanRequest
        do throws(LibOSError) {
            request = try HumanQueue(authority: Authority(broker: broker)).requestApproval(
                ApprovalRequest(
                    tool: wanted.resource, arguments: wanted.arguments, actionHash: wanted.hash, policyHash: session.policyHash,
                    needs: [NeededRight(resource: session.resources.approved(wanted.tool, wanted.hash), rights: [.execute])],
                    rules: wanted.rules,
                    facts: .object([
                        "adapter": .string("mcp"), "server": .string(session.resources.server),
                        "subject": .string(isDefinition ? "a changed definition" : "one call"),
                        "working_directory": .string(session.resources.workspace),
                    ])), of: session.process, in: transaction)
        } catch {
            guard let denial = error.denial else { throw error }
            return try refuse(facts, wanted.resource, denial, in: transaction)
        }
        _ = try transaction.append(
            facts.entry(
                "tool.call_waiting_human", wanted.resource,
                [
                    JSONMember("policy_decision", .string("require_human_approval")), JSONMember("request_id", .string(request.id.text)),
                    JSONMember("action_hash", .string(wanted.hash)), JSONMember("rules", .strings(wanted.rules)),
                ]))
        return .ask(request, isDefinition: isDefinition)
    }

    private func refuse(
        _ facts: CallFacts, _ resource: String?, _ denial: Denial, in transaction: any StoreTransaction
    ) throws(LibOSError) -> Verdict {
        _ = try transaction.append(
            facts.entry(
                "tool.call", resource,
                [
                    JSONMember("ok", .bool(false)), JSONMember("policy_decision", .string("deny")),
                    JSONMember("policy_reason", .string(denial.rule)), JSONMember("error", .string(denial.reason)),
                    JSONMember("denial", denial.json),
                ]))
        return .denied(denial)
    }
}

/// What every record of one call says.
private struct CallFacts {
    var call: ToolCall
    var id: ToolCallID
    var argumentsHash: String
    var session: RuntimeToolGate.Session

    func entry(_ action: String, _ resource: String?, _ members: [JSONMember], capabilities: [CapabilityID] = []) -> AuditEntry {
        AuditEntry(
            actor: session.process.text, action: action, target: resource ?? "mcp_server:\(session.resources.server)",
            capabilities: capabilities,
            decision: .object(
                [
                    JSONMember("call_id", .string(id.text)), JSONMember("tool", .string(printable(String(call.name.prefix(128))))),
                    JSONMember("args_sha256", .string(argumentsHash)),
                ] + members), correlation: id.text)
    }
}
