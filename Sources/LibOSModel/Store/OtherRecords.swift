package protocol HumanRequestReading {
    func humanRequest(_ id: HumanRequestID) throws(LibOSError) -> HumanRequest?
    /// Oldest first.
    func humanRequests(status: HumanRequest.Status?, process: ProcessID?) throws(LibOSError) -> [HumanRequest]
}

package protocol HumanRequestWriting {
    func insert(_ request: HumanRequest) throws(LibOSError)
    func update(_ request: HumanRequest) throws(LibOSError)
}

package protocol MessageReading {
    func message(_ id: MessageID) throws(LibOSError) -> ProcessMessage?
    /// Of one mailbox, in the order of arrival.
    func messages(
        for recipient: ProcessID, status: ProcessMessage.Status?, matching filter: MessageFilter, limit: Int
    ) throws(LibOSError) -> [ProcessMessage]
}

package protocol MessageWriting {
    func insert(_ message: ProcessMessage) throws(LibOSError)
    func update(_ message: ProcessMessage) throws(LibOSError)
}

package protocol RecordReading {
    /// For one target and for everybody, oldest first. `after` is the last event that the caller saw.
    func events(for target: String, after: EventID?, limit: Int) throws(LibOSError) -> [RuntimeEvent]
    /// The newest ones, oldest of them first.
    func recentEvents(for target: String, limit: Int) throws(LibOSError) -> [RuntimeEvent]
    func audit(_ id: AuditID) throws(LibOSError) -> AuditRecord?
    func audit(_ query: AuditQuery) throws(LibOSError) -> [AuditRecord]
    func lastAudit() throws(LibOSError) -> AuditRecord?
}

package protocol RecordWriting {
    func append(_ event: RuntimeEvent) throws(LibOSError)
    @discardableResult
    func append(_ entry: AuditEntry) throws(LibOSError) -> AuditRecord
}

package protocol ToolReading {
    func tool(_ id: ToolID) throws(LibOSError) -> ToolSpec?
    func toolCall(_ id: ToolCallID) throws(LibOSError) -> ToolCallRecord?
    /// Newest first.
    func toolCalls(of process: ProcessID?, state: ToolCallRecord.State?, limit: Int) throws(LibOSError) -> [ToolCallRecord]
}

package protocol ToolWriting {
    func put(_ tool: ToolSpec) throws(LibOSError)
    func insert(_ call: ToolCallRecord) throws(LibOSError)
    func update(_ call: ToolCallRecord) throws(LibOSError)
}

package protocol ModelCallReading {
    func modelCall(_ id: ModelCallID) throws(LibOSError) -> ModelCallRecord?
    /// Newest first.
    func modelCalls(of process: ProcessID?, limit: Int) throws(LibOSError) -> [ModelCallRecord]
    func pendingAction(of process: ProcessID) throws(LibOSError) -> PendingAction?
    func pendingActions() throws(LibOSError) -> [PendingAction]
}

package protocol ModelCallWriting {
    func insert(_ call: ModelCallRecord) throws(LibOSError)
    func update(_ call: ModelCallRecord) throws(LibOSError)
    /// Replaces the process's pending action, if it has one.
    func put(_ action: PendingAction) throws(LibOSError)
    func deletePendingAction(of process: ProcessID) throws(LibOSError)
}
