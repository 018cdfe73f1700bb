package import LibOSModel
package import StrictJSON

/// At which point of a quantum a process is told of its messages.
package enum NoticePhase: String, Sendable, CaseIterable, Hashable {
    case beforeSelection = "before_llm_tool_selection"
    case beforeTool = "before_tool_call"
    case afterTool = "after_tool_call"
}

extension MessageQueue {
    /// Tells of unread messages of one kind: the notice's payload, or nil when there are none.
    package func notice(
        of kind: ProcessMessage.Kind, for id: ProcessID, phase: NoticePhase, source: String, in transaction: any StoreTransaction
    ) throws(LibOSError) -> JSONValue? {
        let unread = try transaction.messages(for: id, status: .unread, matching: MessageFilter(kind: kind), limit: Self.widestPage)
        if unread.isEmpty { return nil }
        let payload: JSONValue = .object([
            "phase": .string(phase.rawValue), "kind": .string(kind.rawValue), "count": .int(Int64(unread.count)),
            "message_ids": .ids(unread.map(\.id)), "channels": .strings(Set(unread.map(\.channel)).sorted(by: utf8Precedes)),
            "correlation_ids": .strings(Set(unread.compactMap(\.correlation)).sorted(by: utf8Precedes)),
            "instruction": .string(
                "Unread messages are waiting. Call read_process_messages to read and acknowledge them before you go on."),
        ])
        try transaction.emit(
            .processMessageNotice, from: source, to: id.text, payload, priority: kind == .interrupt ? .high : .normal)
        try transaction.audit("process.message.notice", by: source, target: id.resourceText, payload)
        return payload
    }
}
