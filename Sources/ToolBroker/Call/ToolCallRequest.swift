package import LibOSModel
package import StrictJSON

/// One call of a tool, as a process (through its model) or a person asked for it.
package struct ToolCallRequest: Sendable, Equatable {
    package var process: ProcessID
    package var tool: String
    /// An object.
    package var arguments: JSONValue
    /// The same action again after a wait: it was charged the first time.
    package var isRepeated: Bool
    /// The decided request that the action waited for.
    package var resumed: HumanRequestID?
    /// Ties the call's records to those of its quantum.
    package var correlation: String?

    package init(
        process: ProcessID, tool: String, arguments: JSONValue, isRepeated: Bool = false, resumed: HumanRequestID? = nil,
        correlation: String? = nil
    ) {
        self.process = process
        self.tool = tool
        self.arguments = arguments
        self.isRepeated = isRepeated || resumed != nil
        self.resumed = resumed
        self.correlation = correlation
    }
}

/// What came of a call. A refusal and a failure are results too: `isOK` is false, and `payload` is the whole tool result.
package struct ToolCallResult: Sendable, Equatable {
    package var call: ToolCallID
    /// Nil when there is no such tool.
    package var tool: ToolID?
    package var isOK: Bool
    /// The tool's data; of a failure `{ok, content, data, artifacts, error, metadata}`.
    package var payload: JSONValue
    /// In one line.
    package var error: String?
    /// The immutable object that keeps the result. Nil for failures, and when the process ended meanwhile.
    package var result: ObjectHandle?
    package var decision: PolicyDecision
    package var denial: Denial?
    /// Whether the records of the caller's own were written together with the end of the call.
    package var isEndRecorded = false

    package init(
        call: ToolCallID, tool: ToolID?, isOK: Bool, payload: JSONValue, error: String? = nil, result: ObjectHandle? = nil,
        decision: PolicyDecision = .allow, denial: Denial? = nil
    ) {
        self.call = call
        self.tool = tool
        self.isOK = isOK
        self.payload = payload
        self.error = error
        self.result = result
        self.decision = decision
        self.denial = denial
    }
}

/// The word `policy_decision` of events and audit records.
package enum PolicyDecision: String, Sendable, CaseIterable {
    case allow, deny
    case resourceLimit = "resource_limit"
    case validationError = "validation_error"
    case sandboxUnavailable = "sandbox_unavailable"
    case sandboxDenied = "sandbox_denied"
    case requireHumanApproval = "require_human_approval"
    case waitForChild = "wait_for_child"
    case waitForMessage = "wait_for_process_message"
}
