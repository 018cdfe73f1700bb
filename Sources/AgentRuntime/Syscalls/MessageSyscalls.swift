internal import LibOSModel
internal import StrictJSON

extension SyscallTable {
    private static let filterKeys: Set<String> = ["kind", "sender", "channel", "correlation_id", "reply_to", "message_ids"]

    static let messages: [String: SyscallEntry] = [
        "process.send_message": SyscallEntry(
            ["recipient_pid", "kind", "channel", "correlation_id", "reply_to", "subject", "body", "payload"],
            body: { scope, arguments throws(LibOSError) in
                let draft = MessageDraft(
                    body: try arguments.requiredText("body", longest: MessageQueue.longestBody),
                    kind: try arguments.word("kind", ProcessMessage.Kind.self) ?? .normal,
                    channel: try arguments.text("channel") ?? ProcessMessage.standardChannel,
                    correlation: try arguments.text("correlation_id", longest: 256),
                    replyTo: try arguments.id("reply_to", MessageKind.self),
                    subject: try arguments.text("subject", longest: 1024), payload: try arguments.object("payload") ?? .object([]))
                let message = try scope.runtime.messages.send(
                    draft, from: scope.origin.process, to: try arguments.requiredID("recipient_pid", ProcessKind.self),
                    in: scope.transaction)
                return .done(.object(["message_id": .string(message.id.text), "status": .string(message.status.rawValue)]))
            }),
        "process.read_messages": SyscallEntry(
            filterKeys.union(["include_acked", "limit", "ack"]),
            body: { scope, arguments throws(LibOSError) in
                let receipt = try receipt(arguments)
                return .done(page(try scope.runtime.messages.read(receipt, of: scope.origin.process, in: scope.transaction)))
            }),
        "process.receive_messages": SyscallEntry(
            filterKeys.union(["limit", "ack", "block"]),
            body: { scope, arguments throws(LibOSError) in
                let receipt = try receipt(arguments)
                guard try arguments.flag("block") ?? true else {
                    return .done(page(try scope.runtime.messages.read(receipt, of: scope.origin.process, in: scope.transaction)))
                }
                switch try scope.runtime.messages.receive(receipt, of: scope.origin.process, in: scope.transaction) {
                case .done(let messages): return .done(page(messages))
                case .waiting(let wait): return .waiting(wait)
                }
            }),
    ]

    private static func receipt(_ arguments: SyscallArguments) throws(LibOSError) -> MessageReceipt {
        let filter = MessageFilter(
            kind: try arguments.word("kind", ProcessMessage.Kind.self), sender: try arguments.text("sender", longest: 256),
            channel: try arguments.text("channel"), correlation: try arguments.text("correlation_id", longest: 256),
            replyTo: try arguments.id("reply_to", MessageKind.self),
            ids: try arguments.ids("message_ids", MessageKind.self, atMost: MessageQueue.widestPage))
        return MessageReceipt(
            filter: filter, limit: Int(try arguments.number("limit", in: 0...Int64(MessageQueue.widestPage)) ?? 50),
            acknowledges: try arguments.flag("ack") ?? true,
            includesAcked: arguments.has("include_acked") ? try arguments.flag("include_acked") ?? false : false)
    }

    private static func page(_ messages: [ProcessMessage]) -> JSONValue {
        .object([
            "ready": .bool(!messages.isEmpty), "count": .int(Int64(messages.count)), "messages": .array(messages.map(\.json)),
        ])
    }
}
