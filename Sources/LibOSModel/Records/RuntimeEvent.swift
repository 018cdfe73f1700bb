package import StrictJSON

/// Something that happened, for processes and people to see. Never authority and never a work queue.
package struct RuntimeEvent: Sendable, Hashable {
    package var id: EventID
    /// A word of the event catalogue, for example `tool_called`.
    package var type: EventType
    package var source: String
    /// nil: for everybody.
    package var target: String?
    package var payload: JSONValue
    package var priority: Priority
    package var createdAt: Timestamp

    package enum Priority: String, Sendable, CaseIterable, Hashable { case low, normal, high, critical }

    package init(
        id: EventID = .new(), type: EventType, source: String, target: String?, payload: JSONValue = .object([]),
        priority: Priority = .normal, createdAt: Timestamp
    ) {
        self.id = id
        self.type = type
        self.source = source
        self.target = target
        self.payload = payload
        self.priority = priority
        self.createdAt = createdAt
    }
}

package enum EventType: String, Sendable, CaseIterable, Hashable {
    case processCreated = "process_created"
    case processForked = "process_forked"
    case processExec = "process_exec"
    case processExited = "process_exited"
    case processSignal = "process_signal"
    case processMessagePosted = "process_message_posted"
    case processMessageNotice = "process_message_notice"
    case processMessageAcked = "process_message_acked"
    case objectCreated = "object_created"
    case objectUpdated = "object_updated"
    case objectLinked = "object_linked"
    case humanQuery = "human_query"
    case humanResponse = "human_response"
    case humanOutput = "human_output"
    case imageRegistered = "image_registered"
    case toolCalled = "tool_called"
    case toolCompleted = "tool_completed"
    case toolFailed = "tool_failed"
    case capabilityGranted = "capability_granted"
    case capabilityRevoked = "capability_revoked"
    case externalRead = "external_read"
    case externalWrite = "external_write"
    case resourceCharged = "resource_charged"
    case resourceLimitExceeded = "resource_limit_exceeded"
}
