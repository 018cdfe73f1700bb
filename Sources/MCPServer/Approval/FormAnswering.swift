package import CapabilityBroker
package import LibOSModel
internal import MCPApproval
package import ModelContextProtocol
package import SandboxPolicy
package import StrictJSON
internal import Synchronization

/// Puts the questions of a session before the user of its client, in both families of the protocol, as far as the policy counts what
/// comes back. What it does not count is answered on this host alone, and no form is shown.
package final class FormAnswering: QuestionAnswering {
    package struct Session: Sendable {
        package var process: ProcessID
        package var policy: ResolvedPolicy
        /// Which of several connections this is, where a client could mix them up.
        package var principal: String

        package init(process: ProcessID, policy: ResolvedPolicy, principal: String = "stdio") {
            self.process = process
            self.policy = policy
            self.principal = principal
        }
    }

    private struct State {
        var rate: QuestionRate
        /// Our requests to the client that are not answered.
        var open: [RequestID: Waiting] = [:]
    }

    private struct Waiting {
        var call: CheckedContinuation<Heard, Never>
        /// Ends the wait.
        var timer: Task<Void, Never>

        func hear(_ heard: Heard) {
            timer.cancel()
            call.resume(returning: heard)
        }
    }

    private enum Heard: Sendable {
        case answer(ApprovalAnswer)
        /// The call was cancelled.
        case gone
    }

    /// Seconds within which a client has to come back with a state.
    private static let stateLifetime: Double = 900

    private let session: Session
    private let store: any RuntimeStore
    private let broker: CapabilityBroker
    private let clock: any RuntimeClock
    private let patience: Duration
    private let sealer = StateSealer()
    private let state: Mutex<State>

    /// - Parameters:
    ///   - broker: The one broker of the store.
    ///   - patience: How long a call waits for a form.
    package init(
        _ session: Session, store: any RuntimeStore, broker: CapabilityBroker, patience: Duration = .seconds(120),
        clock: any RuntimeClock = SystemClock()
    ) {
        self.session = session
        self.store = store
        self.broker = broker
        self.patience = patience
        self.clock = clock
        state = Mutex(State(rate: QuestionRate()))
    }

    package func answer(
        _ question: PendingQuestion, _ call: CallParameters, from client: ClientContext, over channel: ClientChannel
    ) async -> QuestionOutcome {
        do throws(LibOSError) {
            guard let asked = try await self.asked(question) else { return .unanswered }
            let forms = ClientForms.of(name: client.name, capabilities: client.capabilities, version: client.revision.rawValue)
            if client.revision.isStateless, case .string(let state)? = call.all["requestState"], StateSealer.isOurs(state) {
                return try await retried(asked, question, state, call, forms)
            }
            guard asked.trust.channel == .any, forms.takesForms else {
                try await record(asked, forms, route: "local")
                return .unanswered
            }
            guard state.withLock({ $0.rate.take(now: Self.instant()) }) else { return try await tooMany(asked, question, forms) }
            if client.revision.isStateless { return try await seal(asked, forms) }
            guard let send = channel.send else { return .unanswered }
            try await record(asked, forms, route: "elicitation")
            switch await show(asked, forms, send) {
            case .gone:
                try await withdraw(asked, forms, because: "its call was cancelled")
                return .unanswered
            case .answer(let answer): return try await settle(asked, question, answer, forms)
            }
        } catch {
            // Without a record nobody has answered.
            return .unanswered
        }
    }

    package func received(_ answer: JSONValue, to id: RequestID) -> Bool {
        guard let waiting = state.withLock({ $0.open.removeValue(forKey: id) }) else { return false }
        waiting.hear(.answer(answer["result"].map { ApprovalForm.read($0) } ?? .failed))
        return true
    }

    // MARK: - The question

    private func asked(_ question: PendingQuestion) async throws(LibOSError) -> ApprovalQuestion? {
        guard let id = HumanRequestID(question.request),
            let request = try await store.read({ store throws(LibOSError) in try store.humanRequest(id) }),
            request.process == session.process, case .approval(let approval, _) = request.content
        else { return nil }
        return ApprovalQuestion(
            id, of: session.process, tool: approval.tool, of: "Glovebox on this host", arguments: approval.arguments, rules: approval.rules,
            actionHash: approval.actionHash, trust: trust(approval.needs))
    }

    /// The least of what is trusted with any part of it.
    private func trust(_ needs: [NeededRight]) -> AskTrust {
        var least = AskTrust(.local, because: "nothing is known of what it needs")
        for (index, need) in needs.enumerated() {
            let trust = session.policy.askTrust(for: need.resource, rights: need.rights)
            if index == 0 || trust.channel < least.channel { least = trust }
        }
        return least
    }

    // MARK: - Handshake family

    private func show(_ asked: ApprovalQuestion, _ forms: ClientForms, _ send: @escaping @Sendable (JSONValue) -> Void) async -> Heard {
        let text =
            "glovebox-\(String(UInt64.random(in: .min ... .max), radix: 16))-\(String(UInt64.random(in: .min ... .max), radix: 16))"
        let id = RequestID(text)
        let request = JSONValue.object([
            "jsonrpc": .string("2.0"), "id": .string(text), "method": .string("elicitation/create"),
            "params": ApprovalForm.parameters(asked, forms.family),
        ])
        let patience = patience
        let heard = await withTaskCancellationHandler {
            await withCheckedContinuation { (waiting: CheckedContinuation<Heard, Never>) in
                state.withLock { state in
                    // Ends nothing before it is there: it has to take the lock for that.
                    let timer = Task { [weak self] in
                        if (try? await Task.sleep(for: patience)) != nil { self?.hear(.answer(.timedOut), for: id) }
                    }
                    state.open[id] = Waiting(call: waiting, timer: timer)
                }
                if Task.isCancelled { return hear(.gone, for: id) }
                send(request)
            }
        } onCancel: {
            hear(.gone, for: id)
        }
        switch heard {
        case .gone, .answer(.timedOut):
            send(
                .object([
                    "jsonrpc": .string("2.0"), "method": .string("notifications/cancelled"),
                    "params": .object(["requestId": .string(text), "reason": .string("nobody waits for it any more")]),
                ]))
        case .answer: break
        }
        return heard
    }

    private func hear(_ heard: Heard, for id: RequestID) {
        state.withLock { $0.open.removeValue(forKey: id) }?.hear(heard)
    }

    // MARK: - 2026-07-28

    private func seal(_ asked: ApprovalQuestion, _ forms: ClientForms) async throws(LibOSError) -> QuestionOutcome {
        let state = SealedState(
            .question, of: asked.request.text, session: session.process, principal: session.principal, actionHash: asked.actionHash,
            expiresAt: clock.now().adding(seconds: Self.stateLifetime))
        guard let sealed = sealer.seal(state) else { return .unanswered }
        try await record(asked, forms, route: "input_required")
        return .reply(ApprovalForm.inputRequired(asked, state: sealed))
    }

    private func retried(
        _ asked: ApprovalQuestion, _ question: PendingQuestion, _ text: String, _ call: CallParameters, _ forms: ClientForms
    ) async throws(LibOSError) -> QuestionOutcome {
        let opened = Result { () throws(SealedState.Problem) in
            try sealer.open(text, session: session.process, principal: session.principal, now: clock.now())
        }
        switch opened {
        // The question of this very call, still open or decided meanwhile.
        case .success(let state)
        where state.kind == .question && state.subject.utf8.elementsEqual(asked.request.text.utf8)
            && state.actionHash.utf8.elementsEqual(asked.actionHash.utf8):
            return try await settle(asked, question, ApprovalForm.read(call.all["inputResponses"]?[ApprovalForm.key]), forms)
        case .success: return try await refused(asked, question, .otherAction, forms)
        case .failure(let problem): return try await refused(asked, question, problem, forms)
        }
    }

    // MARK: - What comes of it

    private func settle(
        _ asked: ApprovalQuestion, _ question: PendingQuestion, _ answer: ApprovalAnswer, _ forms: ClientForms
    ) async throws(LibOSError) -> QuestionOutcome {
        let (settlement, session, broker) = (makeSettlement(question, forms), session, broker)
        let result = try await store.write { transaction throws(LibOSError) in
            try settlement.settle(
                asked.request, answer, of: session.process, hash: asked.actionHash, trust: asked.trust, broker, in: transaction)
        }
        switch result {
        case .agreed: return .decided
        case .refused(let reason, let isOpen):
            return .refused(
                refusal(question, reason, rule: asked.request.text, mend: isOpen ? "the user can run `\(question.command)`" : nil))
        }
    }

    private func refused(
        _ asked: ApprovalQuestion, _ question: PendingQuestion, _ problem: SealedState.Problem, _ forms: ClientForms
    ) async throws(LibOSError) -> QuestionOutcome {
        let (process, target) = (session.process, "tool:\(question.tool)")
        try await store.write { transaction throws(LibOSError) in
            _ = try transaction.append(
                AuditEntry(
                    actor: process.text, action: "mcp.approval_state_refused", target: target,
                    decision: .object([
                        "request_id": .string(asked.request.text), "rule": .string(problem.rawValue), "reason": .string(problem.sentence),
                        "channel": .string("mcp client \(forms.name)"),
                    ]), correlation: asked.request.text))
        }
        // It was opened by this very call, which is over: nobody was told of it.
        if question.isNew { try await withdraw(asked, forms, because: problem.sentence) }
        return .refused(
            refusal(
                question, problem.sentence, rule: problem.rawValue,
                mend: "make the call without inputResponses and requestState, and the user is asked anew"))
    }

    private func tooMany(
        _ asked: ApprovalQuestion, _ question: PendingQuestion, _ forms: ClientForms
    ) async throws(LibOSError) -> QuestionOutcome {
        try await withdraw(asked, forms, because: "more questions than people are asked")
        let rate = state.withLock { $0.rate.sentence }
        return .refused(
            refusal(
                question, "a person would have to agree to it, and people are asked no more than \(rate)", rule: "question-rate",
                mend: "do something else first"))
    }

    private func withdraw(_ asked: ApprovalQuestion, _ forms: ClientForms, because reason: String) async throws(LibOSError) {
        let (settlement, process, broker) = (
            ApprovalSettlement(target: "human_request:\(asked.request)", client: forms.name), session.process, broker
        )
        // The call's own task may be cancelled by now; the record is made all the same.
        let store = store
        let task = Task { () async -> Result<Void, LibOSError> in
            do throws(LibOSError) {
                try await store.write { transaction throws(LibOSError) in
                    try settlement.withdraw(asked.request, of: process, because: reason, broker, in: transaction)
                }
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try await task.value.get()
    }

    private func record(_ asked: ApprovalQuestion, _ forms: ClientForms, route: String) async throws(LibOSError) {
        let row = asked.entry(route: route, forms, target: "human_request:\(asked.request)", call: nil)
        try await store.write { transaction throws(LibOSError) in _ = try transaction.append(row) }
    }

    private func makeSettlement(_ question: PendingQuestion, _ forms: ClientForms) -> ApprovalSettlement {
        ApprovalSettlement(target: "tool:\(question.tool)", client: forms.name)
    }

    private func refusal(_ question: PendingQuestion, _ reason: String, rule: String, mend: String?) -> CallAnswer {
        let denial = Denial(layer: .human, rule: rule, reason: reason, suggestion: mend)
        var content = CallContent()
        content.error = "Glovebox did not make this call of `\(question.tool)`: \(reason)" + (mend.map { "; \($0)" } ?? "")
        content.denial = denial.json
        return CallAnswer(
            isError: true, content: content.json, facts: .object(["decision": .string("deny"), "denial": denial.json]))
    }

    private static func instant() -> UInt64 {
        let now = ContinuousClock.now
        return UInt64(max(0, start.duration(to: now) / .nanoseconds(1)))
    }
    private static let start = ContinuousClock.now
}
