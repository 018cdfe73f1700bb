internal import CapabilityBroker
internal import CapabilityLanguage
package import LibOSModel
package import MCPApproval
package import ModelContextProtocol
internal import SandboxPolicy
internal import StrictJSON

/// Questions of a session: what people are asked, and what their answers come to.
extension RuntimeToolGate {
    package var askingProcess: ProcessID { session.process }

    func question(_ call: ToolCall, _ id: ToolCallID, _ request: HumanRequest, _ isDefinition: Bool) -> GateVerdict {
        guard case .approval(let approval, _) = request.content else {
            return refusal(call, id, Denial(layer: .human, rule: request.id.text, reason: "the question is of another kind"))
        }
        // What is agreed to here holds for all later calls, and what changed is what the model would be told: no form says enough of that.
        let trust = isDefinition ? AskTrust(.local, because: "a changed description holds for every later call") : trust
        let resource = session.resources.tool(call.name)?.description ?? "mcp_server:\(session.resources.server)"
        let asked = ApprovalQuestion(
            request.id, of: session.process, tool: call.name, of: "the MCP server \(session.resources.server)",
            arguments: approval.arguments,
            rules: approval.rules, actionHash: approval.actionHash, trust: trust)
        let command = approveCommand(request.id)
        let what =
            isDefinition
            ? "the server describes `\(printable(call.name))` differently than when it was agreed to, and a person has to look at that first"
            : "a person has to agree to this call of `\(printable(call.name))`"
        say("glovebox: \(what): \(command)")
        return .ask(
            CallQuestion(
                asked, call: id, resource: resource,
                text:
                    "Glovebox did not make this call: \(what). Ask the user to run `\(command)`, and then make the same call with the same "
                    + "arguments again. The yes holds for this call alone, once.",
                facts: .object([
                    "decision": .string("ask"), "call_id": .string(id.text), "request_id": .string(request.id.text),
                    "command": .string(command), "subject": .string(isDefinition ? "definition" : "call"),
                    "channel": .string(trust.channel.rawValue), "channel_reason": .string(trust.reason),
                ])))
    }

    private func approveCommand(_ request: HumanRequestID) -> String { "glovebox human approve \(request)\(session.storeWords)" }

    package func asked(_ question: CallQuestion, _ client: ClientForms, by route: AskRoute) {
        let row = question.question.entry(route: route.rawValue, client, target: question.resource, call: question.call)
        records.enqueue { transaction, _ throws(LibOSError) in try transaction.append(row) }
    }

    package func answered(
        _ call: ToolCall, _ request: HumanRequestID, hash: String, _ answer: ApprovalAnswer, client: String
    ) -> GateVerdict {
        let id = ToolCallID.new()
        let (decider, definition, trust, process) = (decider, pins.change(of: call.name), trust, session.process)
        let command = approveCommand(request)
        let settlement = ApprovalSettlement(
            target: session.resources.tool(call.name)?.description ?? "mcp_server:\(session.resources.server)", client: client, call: id)
        // The call is the one that was asked about, or the answer is to another question.
        let actual = decider.actionHash(of: call)
        let bound = actual.map { $0.utf8.elementsEqual(hash.utf8) } == true ? hash : actual ?? ""
        do throws(LibOSError) {
            let verdict = try records.perform { transaction, broker throws(LibOSError) -> CallDecider.Verdict in
                let result = try settlement.settle(request, answer, of: process, hash: bound, trust: trust, broker, in: transaction)
                switch result {
                case .agreed: return try decider.decide(call, id: id, changed: definition, broker, in: transaction)
                case .refused(let reason, let isOpen):
                    let denial = Denial(
                        layer: .human, rule: request.text, reason: reason,
                        suggestion: isOpen ? "the user can run `\(command)`; then make the same call again" : nil)
                    return try decider.refuse(call, id: id, denial, in: transaction)
                }
            }
            return gateVerdict(verdict, call, id)
        } catch {
            return unrecorded(call, id, error)
        }
    }

    package func continued(_ call: ToolCall, hash: String, client: String) -> GateVerdict {
        guard let actual = decider.actionHash(of: call), actual.utf8.elementsEqual(hash.utf8) else {
            return refused(call, .otherAction, client: client)
        }
        let id = ToolCallID.new()
        let (decider, definition) = (decider, pins.change(of: call.name))
        do throws(LibOSError) {
            let verdict = try records.perform { transaction, broker throws(LibOSError) in
                try decider.decide(call, id: id, changed: definition, continuing: hash, broker, in: transaction)
            }
            return gateVerdict(verdict, call, id)
        } catch {
            return unrecorded(call, id, error)
        }
    }

    package func withdrawn(_ question: CallQuestion, because reason: String) {
        let process = session.process
        records.enqueue { transaction, broker throws(LibOSError) in
            try ApprovalSettlement(target: question.resource, client: "", call: question.call).withdraw(
                question.question.request, of: process, because: reason, broker, in: transaction)
        }
    }

    package func refused(_ call: ToolCall, _ problem: SealedState.Problem, client: String) -> GateVerdict {
        let id = ToolCallID.new()
        let decider = decider
        let denial = Denial(
            layer: .human, rule: problem.rawValue, reason: problem.sentence,
            suggestion: "make the call without inputResponses and requestState, and the user is asked anew")
        say("glovebox: a call of \(printable(call.name)) by the MCP client \(client) was refused: \(problem.sentence)")
        do throws(LibOSError) {
            let verdict = try records.perform { transaction, _ throws(LibOSError) in
                try decider.refuse(call, id: id, denial, in: transaction)
            }
            return gateVerdict(verdict, call, id)
        } catch {
            return unrecorded(call, id, error)
        }
    }
}
