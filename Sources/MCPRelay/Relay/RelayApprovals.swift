internal import LibOSModel
internal import MCPApproval
internal import ModelContextProtocol
internal import SandboxPolicy
internal import StrictJSON

/// Questions to the client's user, in both families of the protocol.
extension RelayEngine {
    // MARK: - Asking

    mutating func ask(_ id: RequestID, _ call: ToolCall, _ asked: CallQuestion, _ line: [UInt8], _ now: UInt64) {
        let input = call.isStateless ? CallInput(line, bounds: limits.document) : nil
        let client = call.isStateless ? input?.client ?? ClientForms() : forms.client ?? ClientForms()
        // A form whose answer would not count is not shown: it would only teach people to say yes to it.
        guard asked.question.trust.channel == .any, client.takesForms else {
            gate.asked(asked, client, by: .local)
            toClient += Reply.refusal(id, call, text: asked.text, facts: asked.facts)
            return
        }
        guard forms.rate.take(now: now) else { return tooManyQuestions(id, call, asked) }
        if call.isStateless {
            let state = SealedState(
                .question, of: asked.question.request.text, session: asked.question.session, principal: RelayForms.principal,
                actionHash: asked.question.actionHash, expiresAt: forms.deadline, upstream: call.requestState)
            guard let sealed = forms.sealer.seal(state) else {
                gate.asked(asked, client, by: .local)
                toClient += Reply.refusal(id, call, text: asked.text, facts: asked.facts)
                return
            }
            gate.asked(asked, client, by: .inputRequired)
            toClient += Reply.result(id, ApprovalForm.inputRequired(asked.question, state: sealed))
            return
        }
        let form = RelayForms.newID()
        forms.open[form] = id
        hold(id, HeldCall(call: call, line: line, question: asked, form: form), now)
        gate.asked(asked, client, by: .elicitation)
        toClient += Reply.request(form, "elicitation/create", ApprovalForm.parameters(asked.question, client.family))
    }

    private mutating func tooManyQuestions(_ id: RequestID, _ call: ToolCall, _ asked: CallQuestion) {
        gate.withdrawn(asked, because: "more questions than people are asked")
        toClient += Reply.refusal(
            id, call,
            text:
                "Glovebox did not make this call of `\(printable(call.name))`: a person would have to agree to it, and people are asked no "
                + "more than \(forms.rate.sentence). Do something else first.",
            facts: .object(["decision": .string("deny"), "call_id": .string(asked.call.text), "rule": .string("question-rate")]))
    }

    // MARK: - Answers, handshake family

    /// Takes what is an answer to one of our requests. False when it is none.
    mutating func takeAnswer(_ form: RequestID, _ message: Message, _ line: [UInt8], _ now: UInt64) -> Bool {
        guard let id = forms.open.removeValue(forKey: form) else { return false }
        guard let held = release(id) else { return true }
        var answer = ApprovalAnswer.failed
        if case .result = message.kind, let body = message.body {
            answer = ApprovalForm.read(try? JSONDocument.value(of: Array(line[body]), bounds: Self.answerBounds))
        }
        settle(id, held, answer, now)
        return true
    }

    private static var answerBounds: DocumentBounds { DocumentBounds(bytes: 64 << 10, depth: 8, nodes: 256) }

    private mutating func settle(_ id: RequestID, _ held: HeldCall, _ answer: ApprovalAnswer, _ now: UInt64) {
        let question = held.question.question
        let verdict = gate.answered(
            held.call, question.request, hash: question.actionHash, answer, client: forms.client?.name ?? "unnamed")
        conclude(verdict, id, held.call, held.line, now)
    }

    private mutating func conclude(_ verdict: GateVerdict, _ id: RequestID, _ call: ToolCall, _ line: [UInt8], _ now: UInt64) {
        switch verdict {
        case .pass(let ticket): forward(id, call, ticket, line, now)
        case .refuse(let text, let facts): toClient += Reply.refusal(id, call, text: text, facts: facts)
        // Something else has to be agreed to as well, or again.
        case .ask(let question): ask(id, call, question, line, now)
        }
    }

    /// The client has withdrawn a call that waits: the server has never heard of it.
    mutating func withdrawHeld(_ id: RequestID) -> Bool {
        guard let held = release(id) else { return false }
        forms.open[held.form] = nil
        toClient += Reply.cancelled(held.form, reason: "the call was cancelled")
        gate.withdrawn(held.question, because: "its call was cancelled")
        return true
    }

    /// Nobody has answered in time: the call is not made, and the question stays open for this machine.
    mutating func expireHeld(_ id: RequestID, now: UInt64) {
        guard let held = release(id) else { return }
        forms.open[held.form] = nil
        toClient += Reply.cancelled(held.form, reason: "no answer in time")
        settle(id, held, .timedOut, now)
    }

    /// The relay ends.
    mutating func giveUp(_ held: HeldCall) {
        forms.open[held.form] = nil
        gate.withdrawn(held.question, because: "the session is over")
    }

    // MARK: - Answers, 2026-07-28

    /// A call that is made again with one of our states.
    mutating func retry(_ id: RequestID, _ call: ToolCall, _ text: String, _ line: [UInt8], _ now: UInt64) {
        guard let input = CallInput(line, bounds: limits.document) else {
            toClient += Reply.error(id, code: -32602, "the call cannot be read")
            return
        }
        let client = input.client.name
        let verdict: GateVerdict
        let forwarded: [UInt8]
        do throws(SealedState.Problem) {
            let state = try forms.sealer.open(
                text, session: gate.askingProcess, principal: RelayForms.principal, now: forms.clock.now())
            switch state.kind {
            case .question:
                guard let request = HumanRequestID(state.subject) else { throw .tampered }
                verdict = gate.answered(
                    call, request, hash: state.actionHash, ApprovalForm.read(input.approval), client: client)
            case .continuation: verdict = gate.continued(call, hash: state.actionHash, client: client)
            }
            forwarded = input.line(state: state.upstream, keepsResponses: state.kind == .continuation)
        } catch {
            verdict = gate.refused(call, error, client: client)
            forwarded = line
        }
        var call = call
        call.requestState = nil
        conclude(verdict, id, call, forwarded, now)
    }

    /// A tool that was agreed to asks for input: its state travels in one of ours, so that the next round needs no new yes. Nil when
    /// nothing of it can be passed on.
    mutating func continuing(_ line: [UInt8], _ call: ToolCall, _ ticket: CallTicket) -> [UInt8]? {
        guard call.isStateless, let hash = ticket.agreedHash else { return line }
        let (forms, session) = (forms, gate.askingProcess)
        let answer = CallInput.asking(line, bounds: limits.document) { upstream in
            forms.sealer.seal(
                SealedState(
                    .continuation, of: ticket.id.text, session: session, principal: RelayForms.principal, actionHash: hash,
                    expiresAt: forms.deadline, upstream: upstream))
        }
        switch answer {
        case nil: return line
        case .line(let changed): return changed
        case .stateTooLong: return nil
        }
    }
}

extension Reply {
    static func request(_ id: RequestID, _ method: String, _ parameters: JSONValue) -> [UInt8] {
        Array("{\"jsonrpc\":\"2.0\",\"id\":".utf8) + id.bytes
            + Array(",\"method\":\"\(method)\",\"params\":\(parameters.canonicalText)}\n".utf8)
    }

    static func result(_ id: RequestID, _ result: JSONValue) -> [UInt8] {
        Array("{\"jsonrpc\":\"2.0\",\"id\":".utf8) + id.bytes + Array(",\"result\":\(result.canonicalText)}\n".utf8)
    }
}
