package import LibOSModel
internal import StrictJSON

/// What people and programs around the runtime ask of it, each as one transaction.
extension AgentRuntime {
    package func spawn(_ request: SpawnRequest) async throws(LibOSError) -> AgentProcess {
        try await store.write { transaction throws(LibOSError) in try processes.spawn(request, in: transaction) }
    }

    package func signal(_ id: ProcessID, _ signal: ProcessSignal, reason: String? = nil) async throws(LibOSError) {
        try await store.write { transaction throws(LibOSError) in
            try processes.signal(id, signal, reason: reason, in: transaction)
        }
        try await cancelStoppedQuanta()
    }

    /// A signal of a person, under the person's name.
    package func interrupt(
        _ id: ProcessID, _ signal: ProcessSignal = .interrupt, reason: String? = nil, by human: String = HumanQueue.standardHuman
    ) async throws(LibOSError) {
        try await store.write { transaction throws(LibOSError) in
            try processes.interrupt(id, signal, reason: reason, by: human, in: transaction)
        }
        try await cancelStoppedQuanta()
    }

    /// Posts a person's message. Its payload says that a person wrote it.
    package func post(
        _ draft: MessageDraft, to id: ProcessID, by human: String = HumanQueue.standardHuman
    ) async throws(LibOSError) -> ProcessMessage {
        var signed = draft
        let members: [JSONMember] = if case .object(let given) = draft.payload { given.filter { $0.key != "source" } } else { [] }
        signed.payload = .object(members + [JSONMember("source", MessageQueue.humanSource)])
        if signed.channel == ProcessMessage.standardChannel { signed.channel = MessageQueue.humanChannel }
        let final = signed
        return try await store.write { transaction throws(LibOSError) in
            let message = try messages.post(final, from: "human:\(human)", to: id, in: transaction)
            try transaction.audit(
                "human.message", by: "human:\(human)", target: id.resourceText,
                .object(["message_id": .string(message.id.text), "kind": .string(message.kind.rawValue)]))
            return message
        }
    }

    package func pendingRequests(human: String? = nil) async throws(LibOSError) -> [HumanRequest] {
        try await store.write { transaction throws(LibOSError) in try humans.pending(human: human, in: transaction) }
    }

    package func decide(_ id: HumanRequestID, _ decision: HumanDecision) async throws(LibOSError) -> HumanRequest {
        try await store.write { transaction throws(LibOSError) in try humans.decide(id, decision, in: transaction) }
    }

    package func expireOverdueRequests() async throws(LibOSError) -> Int {
        let isOverdue = try await store.read { store throws(LibOSError) in
            try store.humanRequests(status: .pending, process: nil).contains { $0.isExpired(at: store.now) }
        }
        guard isOverdue else { return 0 }
        return try await store.write { transaction throws(LibOSError) in try humans.expireOverdue(in: transaction) }
    }

    /// Puts the pending requests before a responder, in the order in which they were asked. Returns the decided ones.
    package func drainHumanQueue(with responder: any HumanResponder) async throws(LibOSError) -> [HumanRequestID] {
        var decided: [HumanRequestID] = []
        for request in try await pendingRequests() {
            guard let decision = await responder.decision(for: request) else { continue }
            do throws(LibOSError) {
                decided.append(try await decide(request.id, decision).id)
            } catch {
                // Somebody was faster, its process has ended, or the answer does not fit: then it stays open, and the run goes on.
                if error.code == .store { throw error }
            }
        }
        if !decided.isEmpty {
            let ids = decided
            try await store.write { transaction throws(LibOSError) in
                try transaction.audit("runtime.human_queue_drained", by: "runtime", target: nil, .object(["request_ids": .ids(ids)]))
            }
        }
        return decided
    }
}
