package import StrictJSON

/// One attempt to get an action from a model; each repair attempt is its own.
package struct ModelCallRecord: Sendable, Hashable {
    package var id: ModelCallID
    package var process: ProcessID
    package var image: String
    /// `action_selection`
    package var purpose: String
    package var status: Status
    package var api: String?
    package var model: String?
    package var requestID: String?
    package var responseID: String?
    package var messages: JSONValue
    package var tools: JSONValue
    package var requestOptions: JSONValue
    package var responseContent: String?
    package var toolCalls: JSONValue
    package var reasoning: String?
    package var usage: JSONValue
    package var rawResponse: JSONValue
    package var error: String?
    package var createdAt: Timestamp
    package var completedAt: Timestamp?

    /// `pending` while the model thinks; found after a crash it becomes `unknown`.
    package enum Status: String, Sendable, CaseIterable, Hashable { case pending, ok, error, unknown }

    package init(
        id: ModelCallID = .new(), process: ProcessID, image: String, purpose: String = "action_selection", status: Status = .pending,
        api: String? = nil, model: String? = nil, requestID: String? = nil, responseID: String? = nil, messages: JSONValue,
        tools: JSONValue, requestOptions: JSONValue = .object([]), responseContent: String? = nil, toolCalls: JSONValue = .array([]),
        reasoning: String? = nil, usage: JSONValue = .null, rawResponse: JSONValue = .null, error: String? = nil, createdAt: Timestamp,
        completedAt: Timestamp? = nil
    ) {
        self.id = id
        self.process = process
        self.image = image
        self.purpose = purpose
        self.status = status
        self.api = api
        self.model = model
        self.requestID = requestID
        self.responseID = responseID
        self.messages = messages
        self.tools = tools
        self.requestOptions = requestOptions
        self.responseContent = responseContent
        self.toolCalls = toolCalls
        self.reasoning = reasoning
        self.usage = usage
        self.rawResponse = rawResponse
        self.error = error
        self.createdAt = createdAt
        self.completedAt = completedAt
    }
}

/// An action that a model selected and that waits for somebody. At most one for each process.
package struct PendingAction: Sendable, Hashable {
    package var process: ProcessID
    /// The action, exactly as selected: arguments and `action`.
    package var action: JSONValue
    package var wait: WaitState
    package var contentPreview: String
    package var toolCallCount: Int64
    package var state: State
    /// Generation of the process when the wait began.
    package var generation: Int64
    package var createdAt: Timestamp

    /// Claimed before it is resumed; found claimed after a crash it is never done again.
    package enum State: String, Sendable, CaseIterable, Hashable { case pending, resuming }

    package init(
        process: ProcessID, action: JSONValue, wait: WaitState, contentPreview: String, toolCallCount: Int64, state: State = .pending,
        generation: Int64, createdAt: Timestamp
    ) {
        self.process = process
        self.action = action
        self.wait = wait
        self.contentPreview = contentPreview
        self.toolCallCount = toolCallCount
        self.state = state
        self.generation = generation
        self.createdAt = createdAt
    }
}
