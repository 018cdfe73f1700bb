internal import AgentRuntime
package import CapabilityBroker
internal import CapabilityLanguage
package import LibOSModel
package import ModelContextProtocol
internal import SandboxLauncher
package import SandboxPolicy
internal import StrictJSON
internal import Synchronization

/// The gate of one session: every call is decided by the capability broker and the policy, and is on record before and after.
package struct RuntimeToolGate: ToolGate {
    package struct Session: Sendable {
        /// The process that stands for the session, and holds what it may do.
        package var process: ProcessID
        package var resources: ToolResource
        package var policy: ResolvedPolicy
        package var policyHash: String
        /// Whether tools that are denied are left out of lists.
        package var hidesDenied: Bool
        /// Words behind `glovebox human approve ID` that name the store.
        package var storeWords: String

        package init(
            process: ProcessID, resources: ToolResource, policy: ResolvedPolicy, policyHash: String, hidesDenied: Bool, storeWords: String
        ) {
            self.process = process
            self.resources = resources
            self.policy = policy
            self.policyHash = policyHash
            self.hidesDenied = hidesDenied
            self.storeWords = storeWords
        }
    }

    let session: Session
    let records: any RelayRecords
    let pins: ToolPins
    let decider: CallDecider
    /// Whose answers count for calls.
    let trust: AskTrust
    let say: @Sendable (String) -> Void

    /// - Parameter say: tells the person at the other end of standard error, one line at a time.
    package init(_ session: Session, records: any RelayRecords, pins: ToolPins, say: @escaping @Sendable (String) -> Void) {
        self.session = session
        self.records = records
        self.pins = pins
        self.say = say
        decider = CallDecider(session: session)
        trust = session.policy.askTrustOfServer
    }

    /// What the session's process is given: what the policy and the command line say of tools, and every tool where neither of them
    /// allows any by name. A tool comes with its arguments unless those are listed.
    package static func terms(_ policy: ResolvedPolicy, server: String, given: [CapabilityTerms]) -> [CapabilityTerms] {
        var terms = policy.rules.filter { $0.resource.kind == .mcp && $0.effect != .deny && Self.concerns($0.resource, server) }
            .map { CapabilityTerms(resource: $0.resource, rights: Set($0.rights), effect: $0.effect) }
        terms += given.filter { $0.resource.kind == .mcp && Self.concerns($0.resource, server) }
        let every = Resource(kind: .mcp, parts: [server], extent: .members)
        // First: among equals the later one decides.
        if !terms.contains(where: { $0.effect == .allow || $0.effect == .ask && $0.resource.covers(every) }) {
            terms.insert(CapabilityTerms(resource: every, rights: [.execute]), at: 0)
        }
        let listed = terms.filter { $0.effect != .deny }.map(\.resource)
        return terms.map { term in
            var term = term
            let isTool = term.resource.extent == .exact && term.effect == .allow
            let lists = listed.contains { $0.parts.count > term.resource.parts.count && $0.parts.starts(with: term.resource.parts) }
            if isTool, !lists { term.resource.extent = .tree }
            return term
        }
    }

    private static func concerns(_ resource: Resource, _ server: String) -> Bool {
        resource.parts.first.map { $0.text.utf8.elementsEqual(server.utf8) } ?? true
    }

    // MARK: - Calls

    package func decide(_ call: ToolCall) -> GateVerdict {
        let id = ToolCallID.new()
        let (decider, definition) = (decider, pins.change(of: call.name))
        do throws(LibOSError) {
            let verdict = try records.perform { transaction, broker throws(LibOSError) in
                try decider.decide(call, id: id, changed: definition, broker, in: transaction)
            }
            return gateVerdict(verdict, call, id)
        } catch {
            return unrecorded(call, id, error)
        }
    }

    func gateVerdict(_ verdict: CallDecider.Verdict, _ call: ToolCall, _ id: ToolCallID) -> GateVerdict {
        switch verdict {
        case .pass(let ticket, let agreed):
            if let agreed { pins.agree(to: agreed, of: call.name) }
            return .pass(ticket)
        case .denied(let denial): return refusal(call, id, denial)
        case .ask(let request, let isDefinition): return question(call, id, request, isDefinition)
        }
    }

    func unrecorded(_ call: ToolCall, _ id: ToolCallID, _ error: LibOSError) -> GateVerdict {
        say("glovebox: a call of \(printable(call.name)) was refused: \(error)")
        let denial =
            error.denial
            ?? Denial(
                layer: .process, rule: Self.unrecorded, reason: "the call cannot be put on record: \(error.message)",
                suggestion: error.mend)
        return refusal(call, id, denial)
    }

    package func together(_ decisions: () -> Void) -> Bool {
        do throws(LibOSError) {
            try records.group(decisions)
            return true
        } catch {
            return false
        }
    }

    private static let unrecorded = "no record, no call"

    func refusal(_ call: ToolCall, _ id: ToolCallID, _ denial: Denial) -> GateVerdict {
        let text =
            "Glovebox did not make this call of `\(printable(call.name))`: \(denial.reason)."
            + (denial.suggestion.map { " What would change it: \($0)." } ?? "")
            + (denial.rule == Self.unrecorded ? "" : " Trying again as it is will not.")
        return .refuse(
            text: text,
            facts: .object(["decision": .string("deny"), "call_id": .string(id.text), "denial": denial.json]))
    }

    package func ended(_ ticket: CallTicket, _ end: CallEnd) {
        let process = session.process
        records.enqueue { transaction, _ throws(LibOSError) in
            let isOK = end.outcome == .completed
            var decision: [JSONMember] = [
                JSONMember("call_id", .string(ticket.id.text)), JSONMember("tool", .string(ticket.tool)), JSONMember("ok", .bool(isOK)),
                JSONMember("outcome", .string(end.outcome.rawValue)), JSONMember("policy_decision", .string("allow")),
                JSONMember("args_sha256", .string(ticket.argumentsHash)), JSONMember("result_bytes", .int(Int64(end.bytes))),
            ]
            if let reason = end.outcome.reason { decision.append(JSONMember("reason", .string(reason))) }
            if !end.violations.isEmpty { decision.append(JSONMember("violations", .array(end.violations.map(\.fact)))) }
            if end.violationsLeftOut > 0 {
                decision.append(JSONMember("violations_left_out", .int(Int64(clamping: end.violationsLeftOut))))
            }
            try transaction.append(
                AuditEntry(
                    actor: process.text, action: "tool.call", target: ticket.resource, decision: .object(decision), parent: ticket.intent,
                    correlation: ticket.id.text))
        }
    }

    // MARK: - Lists

    package func shown(_ listed: [ToolDefinition]) -> [ToolDefinition]? {
        let tools = listed.filter { ToolResource.isToolName($0.name) }
        var isChanged = tools.count != listed.count
        if isChanged { report(misnamed: listed.filter { !ToolResource.isToolName($0.name) }.map(\.name)) }
        let standings = pins.see(tools)
        var shown: [ToolDefinition] = []
        var changes: [(tool: ToolDefinition, pinned: JSONValue)] = []
        for (tool, standing) in zip(tools, standings) {
            // What cannot be pinned could say something else tomorrow, unnoticed.
            if standing == .unknown {
                isChanged = true
                continue
            }
            guard case .changed(let pinned) = standing else {
                shown.append(tool)
                continue
            }
            // The words that were agreed to, until somebody agrees to the new ones.
            isChanged = true
            changes.append((tool, pinned))
            shown.append(ToolDefinition(name: tool.name, content: pinned))
        }
        let fresh = zip(tools, standings).filter { $0.1 == .new }.map(\.0.name)
        report(fresh: fresh, of: tools.count, changes: changes)
        if session.hidesDenied {
            let (decider, names) = (decider, shown.map(\.name))
            let denied = try? records.perform { transaction, broker throws(LibOSError) in
                try decider.denied(names, broker, in: transaction)
            }
            // Without an answer nothing is hidden: what may be called is decided at the call.
            if let denied, !denied.isEmpty {
                isChanged = true
                shown.removeAll { denied.contains(Array($0.name.utf8)) }
            }
        }
        return isChanged ? shown : nil
    }

    private func report(misnamed names: [String]) {
        let (process, server) = (session.process, session.resources.server)
        say("glovebox: \(names.count) tools of \(server) are not shown: their names are not 1 to 128 of A-Z a-z 0-9 _ . -")
        let shown = names.prefix(256).map { printable(String($0.prefix(128))) }
        records.enqueue { transaction, _ throws(LibOSError) in
            try transaction.append(
                AuditEntry(
                    actor: process.text, action: "mcp.tools_misnamed", target: "mcp_server:\(server)",
                    decision: .object(["tools": .strings(shown), "count": .int(Int64(names.count))])))
        }
    }

    private func report(fresh: [String], of count: Int, changes: [(tool: ToolDefinition, pinned: JSONValue)]) {
        let (process, server) = (session.process, session.resources.server)
        if !fresh.isEmpty {
            let names = fresh.prefix(256).map(printable)
            records.enqueue { transaction, _ throws(LibOSError) in
                try transaction.append(
                    AuditEntry(
                        actor: process.text, action: "mcp.tools_pinned", target: "mcp_server:\(server)",
                        decision: .object(["tools": .strings(names), "count": .int(Int64(fresh.count)), "listed": .int(Int64(count))])))
            }
        }
        for (tool, pinned) in changes {
            say(
                "glovebox: the tool \(printable(tool.name)) of \(server) describes itself differently than before; it is asked about when called"
            )
            let facts = DefinitionChange.facts(from: pinned, to: tool.content)
            let target = session.resources.tool(tool.name)?.description ?? "mcp_server:\(server)"
            records.enqueue { transaction, _ throws(LibOSError) in
                try transaction.append(
                    AuditEntry(actor: process.text, action: "mcp.tool_changed", target: target, decision: facts))
            }
        }
    }
}
