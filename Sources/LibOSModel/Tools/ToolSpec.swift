package import StrictJSON

/// What a process and a model see of a tool. It grants nothing.
package struct ToolSpec: Sendable, Hashable {
    package var id: ToolID
    /// 1 to 128 of `A-Z a-z 0-9 _ . -`
    package var name: String
    package var description: String
    package var version: String
    /// JSON Schema 2020-12 of the arguments, an object schema.
    package var inputSchema: JSONValue
    package var outputSchema: JSONValue?
    package var tags: [String]
    /// `static` for everybody's tools; the owner of a process's own.
    package var owner: ProcessID?

    package init(
        id: ToolID, name: String, description: String, version: String = "1.0.0", inputSchema: JSONValue, outputSchema: JSONValue? = nil,
        tags: [String] = [], owner: ProcessID? = nil
    ) {
        self.id = id
        self.name = name
        self.description = description
        self.version = version
        self.inputSchema = inputSchema
        self.outputSchema = outputSchema
        self.tags = tags
        self.owner = owner
    }
}

/// One call, from intent to outcome. The row is durable before anything starts; a row without an outcome after a crash is `unknown`.
package struct ToolCallRecord: Sendable, Hashable {
    package var id: ToolCallID
    package var process: ProcessID
    package var tool: ToolID
    package var toolName: String
    package var arguments: JSONValue
    /// SHA-256 over tool, canonical arguments, working directory and policy hash.
    package var actionHash: String
    package var capabilities: [CapabilityID]
    /// Of the resolved policy that the call ran under; nil when it needed no process.
    package var policyHash: String?
    package var state: State
    /// Outcome, usage, receipt and violations of the run (`glovebox.run/1`); null before the end.
    package var report: JSONValue
    package var result: ObjectID?
    package var error: String?
    package var createdAt: Timestamp
    package var endedAt: Timestamp?

    package enum State: String, Sendable, CaseIterable, Hashable {
        case intended, completed, failed
        /// The runtime ended before the outcome was known. Never replayed.
        case unknown
    }

    package init(
        id: ToolCallID = .new(), process: ProcessID, tool: ToolID, toolName: String, arguments: JSONValue, actionHash: String,
        capabilities: [CapabilityID] = [], policyHash: String? = nil, state: State = .intended, report: JSONValue = .null,
        result: ObjectID? = nil, error: String? = nil, createdAt: Timestamp, endedAt: Timestamp? = nil
    ) {
        self.id = id
        self.process = process
        self.tool = tool
        self.toolName = toolName
        self.arguments = arguments
        self.actionHash = actionHash
        self.capabilities = capabilities
        self.policyHash = policyHash
        self.state = state
        self.report = report
        self.result = result
        self.error = error
        self.createdAt = createdAt
        self.endedAt = endedAt
    }
}
