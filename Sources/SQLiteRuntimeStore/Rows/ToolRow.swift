internal import LibOSModel
internal import StrictJSON

extension ToolSpec: StoredRecord {
    static let table = StoredTable(
        "tool", ["id", "name", "description", "version", "input_schema", "output_schema", "tags", "owner"])

    func bind(into values: inout ParameterBinder) throws(LibOSError) {
        values.bind(id)
        values.bind(name)
        values.bind(description)
        values.bind(version)
        try values.bind(json: inputSchema)
        try values.bind(json: outputSchema)
        try values.bind(json: .strings(tags))
        values.bind(owner)
    }

    init(from row: inout RowReader) throws(LibOSError) {
        self.init(
            id: try row.id(), name: try row.text(), description: try row.text(), version: try row.text(), inputSchema: try row.json(),
            outputSchema: try row.optionalJSON(), tags: try row.json(JSONShape.texts), owner: try row.optionalID())
    }
}

extension ToolCallRecord: StoredRecord {
    static let table = StoredTable(
        "tool_call",
        [
            "id", "process", "tool", "tool_name", "arguments", "action_hash", "capabilities", "policy_hash", "state", "report", "result",
            "error", "created_at", "ended_at",
        ], standing: ["process", "tool", "tool_name", "arguments", "action_hash", "capabilities", "created_at"])

    func bind(into values: inout ParameterBinder) throws(LibOSError) {
        values.bind(id)
        values.bind(process)
        values.bind(tool)
        values.bind(toolName)
        try values.bind(json: arguments)
        values.bind(actionHash)
        try values.bind(json: JSONShape.of(capabilities))
        values.bind(policyHash)
        values.bind(state.rawValue)
        try values.bind(json: report)
        values.bind(result)
        values.bind(error)
        values.bind(createdAt)
        values.bind(endedAt)
    }

    init(from row: inout RowReader) throws(LibOSError) {
        self.init(
            id: try row.id(), process: try row.id(), tool: try row.id(), toolName: try row.text(), arguments: try row.json(),
            actionHash: try row.text(), capabilities: try row.json(JSONShape.ids), policyHash: try row.optionalText(),
            state: try row.word(), report: try row.json(), result: try row.optionalID(), error: try row.optionalText(),
            createdAt: try row.instant(), endedAt: try row.optionalInstant())
    }
}
