package import LibOSModel
package import StrictJSON

/// Mailboxes of processes. Posting and receiving are steps of one transaction each, so no message falls between a look into the
/// mailbox and the wait that follows it.
package struct MessageQueue: Sendable {
    package init() {}

    /// Bytes of a message's text.
    package static let longestBody = 65_536
    /// Where people's messages stand, and what their payload says under `source`. Processes write neither.
    static let humanChannel = "human"
    static let humanSource = JSONValue.string("human_input")
    /// Messages that one call returns at most.
    package static let widestPage = 1_000
}

/// What is posted; the queue adds the rest.
package struct MessageDraft: Sendable {
    package var kind: ProcessMessage.Kind
    package var channel: String
    package var correlation: String?
    package var replyTo: MessageID?
    package var subject: String?
    package var body: String
    package var payload: JSONValue

    package init(
        body: String, kind: ProcessMessage.Kind = .normal, channel: String = ProcessMessage.standardChannel, correlation: String? = nil,
        replyTo: MessageID? = nil, subject: String? = nil, payload: JSONValue = .object([])
    ) {
        self.body = body
        self.kind = kind
        self.channel = channel
        self.correlation = correlation
        self.replyTo = replyTo
        self.subject = subject
        self.payload = payload
    }
}

extension MessageQueue {
    /// Puts a message into a mailbox and wakes its owner when it waits for such a one. Throws `process` when the recipient has
    /// ended. Every process that has not ended takes messages; a wait for a child or a person is not broken by one.
    package func post(
        _ draft: MessageDraft, from sender: String, to recipient: ProcessID, in transaction: any StoreTransaction
    ) throws(LibOSError) -> ProcessMessage {
        let owner = try transaction.existingProcess(recipient)
        try owner.requireAlive(to: "take messages")
        try Self.check(draft)
        let message = ProcessMessage(
            sender: sender, recipient: recipient, kind: draft.kind, channel: draft.channel, correlation: draft.correlation,
            replyTo: draft.replyTo, subject: draft.subject, body: draft.body, payload: draft.payload, createdAt: transaction.now)
        try transaction.insert(message)
        let facts: JSONValue = .object([
            "message_id": .string(message.id.text), "kind": .string(message.kind.rawValue), "channel": .string(message.channel),
            "correlation_id": .optional(message.correlation), "reply_to": .optional(message.replyTo), "subject": .optional(message.subject),
            "sender": .string(sender),
        ])
        try transaction.emit(
            .processMessagePosted, from: sender, to: recipient.text, facts, priority: message.kind == .interrupt ? .high : .normal)
        try transaction.audit("process.message.post", by: sender, target: recipient.resourceText, facts)
        if case .message(let filter)? = owner.wait, filter.matches(message) { try wake(owner, by: message, in: transaction) }
        return message
    }

    /// As `post`, from a process: to itself, its parent and its direct children only.
    package func send(
        _ draft: MessageDraft, from sender: ProcessID, to recipient: ProcessID, in transaction: any StoreTransaction
    ) throws(LibOSError) -> ProcessMessage {
        let process = try transaction.existingProcess(sender)
        try process.requireAlive(to: "send messages")
        let isChild = try transaction.process(recipient)?.parent == sender
        guard recipient == sender || recipient == process.parent || isChild else {
            throw LibOSError(
                .process, "process \(sender) cannot send messages to \(recipient)",
                mend: "send to itself, its parent or one of its children")
        }
        guard draft.channel != Self.humanChannel, draft.payload["source"] != Self.humanSource else {
            throw LibOSError(
                .validation, "the channel `\(Self.humanChannel)` and the source `human_input` say that a person writes",
                mend: "choose another channel, and leave the source out")
        }
        return try post(draft, from: sender.text, to: recipient, in: transaction)
    }

    private func wake(_ owner: AgentProcess, by message: ProcessMessage, in transaction: any StoreTransaction) throws(LibOSError) {
        guard try transaction.wake(owner.id, seen: owner.generation) else { return }
        try transaction.audit(
            "process.message.wait_wake", by: "process.message", target: owner.id.resourceText,
            .object(["message_id": .string(message.id.text)]))
    }

    private static func check(_ draft: MessageDraft) throws(LibOSError) {
        guard !draft.channel.isEmpty, draft.channel.count <= ProcessMessage.longestChannel else {
            throw LibOSError(.validation, "the channel is empty or longer than \(ProcessMessage.longestChannel) characters")
        }
        let size = draft.body.utf8.count + (draft.subject?.utf8.count ?? 0) + (draft.correlation?.utf8.count ?? 0)
        guard size <= longestBody, draft.payload.canonicalText.utf8.count <= longestBody else {
            throw LibOSError(
                .validation, "the message is longer than \(longestBody) bytes", mend: "put the content into an object and send its name")
        }
    }
}
