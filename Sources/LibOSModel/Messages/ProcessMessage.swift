package import StrictJSON

package struct ProcessMessage: Sendable, Hashable {
    package var id: MessageID
    /// A process, or `human:<name>`.
    package var sender: String
    package var recipient: ProcessID
    package var kind: Kind
    /// At most 128 characters.
    package var channel: String
    package var correlation: String?
    package var replyTo: MessageID?
    package var subject: String?
    package var body: String
    package var payload: JSONValue
    package var status: Status
    package var createdAt: Timestamp
    package var ackedAt: Timestamp?

    package enum Kind: String, Sendable, CaseIterable, Hashable { case normal, interrupt }

    package enum Status: String, Sendable, CaseIterable, Hashable {
        case unread, acked
        /// A restore put an older state of the mailbox in force.
        case superseded
    }

    package static let standardChannel = "default"
    package static let longestChannel = 128

    package init(
        id: MessageID = .new(), sender: String, recipient: ProcessID, kind: Kind = .normal, channel: String = standardChannel,
        correlation: String? = nil, replyTo: MessageID? = nil, subject: String? = nil, body: String, payload: JSONValue = .object([]),
        status: Status = .unread, createdAt: Timestamp, ackedAt: Timestamp? = nil
    ) {
        self.id = id
        self.sender = sender
        self.recipient = recipient
        self.kind = kind
        self.channel = channel
        self.correlation = correlation
        self.replyTo = replyTo
        self.subject = subject
        self.body = body
        self.payload = payload
        self.status = status
        self.createdAt = createdAt
        self.ackedAt = ackedAt
    }
}

/// Which messages are meant: equality on every field that is given.
package struct MessageFilter: Sendable, Hashable {
    package var kind: ProcessMessage.Kind?
    package var sender: String?
    package var channel: String?
    package var correlation: String?
    package var replyTo: MessageID?
    package var ids: Set<MessageID>?

    package init(
        kind: ProcessMessage.Kind? = nil, sender: String? = nil, channel: String? = nil, correlation: String? = nil,
        replyTo: MessageID? = nil, ids: Set<MessageID>? = nil
    ) {
        self.kind = kind
        self.sender = sender
        self.channel = channel
        self.correlation = correlation
        self.replyTo = replyTo
        self.ids = ids
    }

    package func matches(_ message: ProcessMessage) -> Bool {
        (kind == nil || kind == message.kind) && (sender == nil || sender == message.sender)
            && (channel == nil || channel == message.channel) && (correlation == nil || correlation == message.correlation)
            && (replyTo == nil || replyTo == message.replyTo) && (ids?.contains(message.id) ?? true)
    }
}

extension MessageFilter {
    /// Every field under the reference's name, absent ones as null: as audit records and waits carry it.
    package var record: JSONValue {
        .object([
            "kind": .optional(kind?.rawValue), "sender": .optional(sender), "channel": .optional(channel),
            "correlation_id": .optional(correlation), "reply_to": .optional(replyTo?.text),
            "message_ids": ids.map { .strings($0.map(\.text).sorted()) } ?? .null,
        ])
    }
}
