package import LibOSModel
package import StrictJSON

extension MessageFilter {
    /// The fields that are given, under the reference's names.
    package var json: JSONValue {
        var members: [JSONMember] = []
        if let channel { members.append(JSONMember("channel", .string(channel))) }
        if let correlation { members.append(JSONMember("correlation_id", .string(correlation))) }
        if let kind { members.append(JSONMember("kind", .string(kind.rawValue))) }
        if let ids { members.append(JSONMember("message_ids", .ids(ids.sorted()))) }
        if let replyTo { members.append(JSONMember("reply_to", .string(replyTo.text))) }
        if let sender { members.append(JSONMember("sender", .string(sender))) }
        return .object(members)
    }
}

extension ProcessMessage {
    /// As a process reads it.
    package var json: JSONValue {
        .object([
            "message_id": .string(id.text), "sender": .string(sender), "recipient_pid": .string(recipient.text),
            "kind": .string(kind.rawValue), "channel": .string(channel), "correlation_id": .optional(correlation),
            "reply_to": .optional(replyTo), "subject": .optional(subject), "body": .string(body), "payload": payload,
            "status": .string(status.rawValue), "created_at": .string(createdAt.description),
            "acked_at": .optional(ackedAt?.description),
        ])
    }
}
