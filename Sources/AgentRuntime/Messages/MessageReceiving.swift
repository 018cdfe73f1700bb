package import LibOSModel
internal import StrictJSON

/// How a process looks into its mailbox.
package struct MessageReceipt: Sendable, Hashable {
    package var filter: MessageFilter
    package var limit: Int
    /// Whether what is returned counts as read.
    package var acknowledges: Bool
    /// Whether messages that were read before are returned too; only for reading without waiting.
    package var includesAcked: Bool

    package init(filter: MessageFilter = MessageFilter(), limit: Int = 50, acknowledges: Bool = true, includesAcked: Bool = false) {
        self.filter = filter
        self.limit = limit
        self.acknowledges = acknowledges
        self.includesAcked = includesAcked
    }
}

extension MessageQueue {
    /// Messages of a mailbox, oldest first. Never waits.
    package func read(
        _ receipt: MessageReceipt, of id: ProcessID, in transaction: any StoreTransaction
    ) throws(LibOSError) -> [ProcessMessage] {
        guard (0...Self.widestPage).contains(receipt.limit) else {
            throw LibOSError(.validation, "the limit \(receipt.limit) is not between 0 and \(Self.widestPage)")
        }
        let found = try transaction.messages(
            for: id, status: receipt.includesAcked ? nil : .unread, matching: receipt.filter, limit: receipt.limit
        ).filter { $0.status != .superseded }
        if receipt.acknowledges { try acknowledge(found.filter { $0.status == .unread }, of: id, in: transaction) }
        return found
    }

    /// Unread messages when there are any; otherwise the process waits for one, from this very transaction on.
    package func receive(
        _ receipt: MessageReceipt, of id: ProcessID, in transaction: any StoreTransaction
    ) throws(LibOSError) -> Completion<[ProcessMessage]> {
        if receipt.limit == 0 || receipt.filter.ids?.isEmpty == true {
            throw LibOSError(.validation, "waiting for no message at all would never end", mend: "name a message, and a limit above 0")
        }
        var unread = receipt
        unread.includesAcked = false
        let found = try read(unread, of: id, in: transaction)
        if !found.isEmpty { return .done(found) }
        let wait = WaitState.message(receipt.filter)
        try transaction.beginWait(wait, of: id)
        try transaction.audit(
            "process.message.wait", by: id.text, target: id.resourceText, .object(["filters": receipt.filter.json]))
        return .waiting(wait)
    }

    /// Marks unread messages of the mailbox as read. Returns how many there were.
    @discardableResult
    package func acknowledge(
        _ filter: MessageFilter, of id: ProcessID, in transaction: any StoreTransaction
    ) throws(LibOSError) -> Int {
        let found = try transaction.messages(for: id, status: .unread, matching: filter, limit: Self.widestPage)
        try acknowledge(found, of: id, in: transaction)
        return found.count
    }

    private func acknowledge(
        _ messages: [ProcessMessage], of id: ProcessID, in transaction: any StoreTransaction
    ) throws(LibOSError) {
        if messages.isEmpty { return }
        for var message in messages {
            message.status = .acked
            message.ackedAt = transaction.now
            try transaction.update(message)
        }
        let facts: JSONValue = .object(["message_ids": .ids(messages.map(\.id)), "count": .int(Int64(messages.count))])
        try transaction.emit(.processMessageAcked, from: id.text, to: id.text, facts)
        try transaction.audit("process.message.ack", by: id.text, target: id.resourceText, facts)
    }
}
