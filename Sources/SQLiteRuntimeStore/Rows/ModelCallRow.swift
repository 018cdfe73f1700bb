internal import LibOSModel
internal import StrictJSON

extension ModelCallRecord: StoredRecord {
    static let table = StoredTable(
        "model_call",
        [
            "id", "process", "image", "purpose", "status", "api", "model", "request_id", "response_id", "request_options",
            "response_content", "tool_calls", "reasoning", "usage", "raw_response", "error", "created_at", "completed_at",
        ], standing: ["process", "image", "purpose", "request_options", "created_at"],
        apart: [Apart("model_request", "messages", sql: messageText), Apart("model_tools", "tools")],
        join: """
            LEFT JOIN model_request ON model_request.call = model_call.sequence
            LEFT JOIN model_request AS request_base ON request_base.call = model_request.base
            LEFT JOIN model_tools ON model_tools.number = model_request.tools
            """)

    /// Bytes of another request's text, cut between two characters, and the rest.
    private static let messageText = """
        CASE WHEN model_request.base IS NULL THEN model_request.messages
        ELSE CAST(substr(CAST(request_base.messages AS BLOB), 1, model_request.shared) AS TEXT) || model_request.messages END
        """

    func bind(into values: inout ParameterBinder) throws(LibOSError) {
        values.bind(id)
        values.bind(process)
        values.bind(image)
        values.bind(purpose)
        values.bind(status.rawValue)
        values.bind(api)
        values.bind(model)
        values.bind(requestID)
        values.bind(responseID)
        try values.bind(json: requestOptions)
        values.bind(responseContent)
        try values.bind(json: toolCalls)
        values.bind(reasoning)
        try values.bind(json: usage)
        try values.bind(json: rawResponse)
        values.bind(error)
        values.bind(createdAt)
        values.bind(completedAt)
    }

    init(from row: inout RowReader) throws(LibOSError) {
        self.init(
            id: try row.id(), process: try row.id(), image: try row.text(), purpose: try row.text(), status: try row.word(),
            api: try row.optionalText(), model: try row.optionalText(), requestID: try row.optionalText(),
            responseID: try row.optionalText(), messages: .null, tools: .null, requestOptions: try row.json(),
            responseContent: try row.optionalText(), toolCalls: try row.json(), reasoning: try row.optionalText(), usage: try row.json(),
            rawResponse: try row.json(), error: try row.optionalText(), createdAt: try row.instant(),
            completedAt: try row.optionalInstant())
        messages = try row.json()
        tools = try row.json()
    }
}

extension PendingAction: StoredRecord {
    static let table = StoredTable(
        "pending_action",
        ["process", "action", "wait", "content_preview", "tool_call_count", "state", "generation", "created_at"])

    func bind(into values: inout ParameterBinder) throws(LibOSError) {
        values.bind(process)
        try values.bind(json: action)
        try values.bind(json: wait.json)
        values.bind(contentPreview)
        values.bind(toolCallCount)
        values.bind(state.rawValue)
        values.bind(generation)
        values.bind(createdAt)
    }

    init(from row: inout RowReader) throws(LibOSError) {
        self.init(
            process: try row.id(), action: try row.json(), wait: try row.json(WaitState.init(json:)), contentPreview: try row.text(),
            toolCallCount: try row.integer(), state: try row.word(), generation: try row.integer(), createdAt: try row.instant())
    }
}
