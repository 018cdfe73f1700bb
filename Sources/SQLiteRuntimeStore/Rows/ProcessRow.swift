internal import LibOSModel
internal import StrictJSON

extension AgentProcess: StoredRecord {
    static let table = StoredTable(
        "process",
        [
            "id", "parent", "image", "status", "goal", "tool_table", "working_directory", "budget", "usage", "wait", "pause", "outcome",
            "status_message", "generation", "created_at", "updated_at", "waited_child",
        ], apart: [Apart("process_view", "view")], join: "LEFT JOIN process_view ON process_view.process = process.sequence"
    )

    func bind(into values: inout ParameterBinder) throws(LibOSError) {
        values.bind(id)
        values.bind(parent)
        values.bind(image)
        values.bind(status.rawValue)
        values.bind(goal)
        try values.bind(json: .object(toolTable.map { JSONMember($0.key, .string($0.value.text)) }))
        values.bind(workingDirectory)
        try values.bind(json: BudgetItem.json(budget.limits))
        try values.bind(json: BudgetItem.json(usage.amounts))
        try values.bind(json: wait?.json)
        try values.bind(json: pause?.json)
        try values.bind(json: outcome?.json)
        values.bind(statusMessage)
        values.bind(generation)
        values.bind(createdAt)
        values.bind(updatedAt)
        values.bind(waitedChild)
    }

    init(from row: inout RowReader) throws(LibOSError) {
        self.init(
            id: try row.id(), parent: try row.optionalID(), image: try row.text(), status: try row.word(), goal: try row.optionalID(),
            toolTable: try row.longJSON(Self.toolTable),
            workingDirectory: try row.text(), budget: ResourceBudget(try row.json(BudgetItem.amounts)),
            usage: ResourceUsage(try row.json(BudgetItem.amounts)), wait: try row.optionalJSON(WaitState.init(json:)),
            pause: try row.optionalJSON(PauseReason.init(json:)), outcome: try row.optionalJSON(ProcessOutcome.init(json:)),
            statusMessage: try row.optionalText(), generation: try row.integer(), createdAt: try row.instant(),
            updatedAt: try row.instant())
        if try row.optionalID() != waitedChild { throw row.bad("is not what its wait says") }
        view = try row.optionalLongJSON(MemoryView.init(json:))
    }

    /// A change that leaves the process where it stands: the columns that people and indexes ask for stay as they are.
    static let advance = """
        UPDATE process SET goal = ?2, working_directory = ?3, usage = ?4, wait = ?5, pause = ?6, outcome = ?7, status_message = ?8,
            generation = ?9, updated_at = ?10 WHERE id = ?1
        """

    func bindAdvance(into values: inout ParameterBinder) throws(LibOSError) {
        values.bind(id)
        values.bind(goal)
        values.bind(workingDirectory)
        try values.bind(json: BudgetItem.json(usage.amounts))
        try values.bind(json: wait?.json)
        try values.bind(json: pause?.json)
        try values.bind(json: outcome?.json)
        values.bind(statusMessage)
        values.bind(generation)
        values.bind(updatedAt)
    }

    /// Whether `advance` makes the other one of this one.
    func canAdvance(to other: AgentProcess) -> Bool {
        id == other.id && parent == other.parent && image == other.image && status == other.status && toolTable == other.toolTable
            && budget == other.budget && createdAt == other.createdAt && waitedChild == other.waitedChild
    }

    /// Stands in a column too, so that a child's end finds who waits for it.
    private var waitedChild: ProcessID? {
        if case .child(let child) = wait { child } else { nil }
    }

    private static func toolTable(_ value: JSONValue) throws(JSONShapeError) -> [String: ToolID] {
        guard case .object(let members) = value else { throw JSONShapeError(message: "is not an object") }
        var table: [String: ToolID] = [:]
        for member in members { table[member.key] = try JSONShape.id(member.value) }
        return table
    }
}

/// What the budget ledger reads and writes of a process.
extension ProcessAccount {
    static let table = StoredTable("process", ["id", "parent", "budget", "usage"])
    static let select = table.select + "WHERE id = ?1"
    static let update = "UPDATE process SET usage = ?2 WHERE id = ?1"

    init(from row: inout RowReader) throws(LibOSError) {
        self.init(
            id: try row.id(), parent: try row.optionalID(), budget: ResourceBudget(try row.json(BudgetItem.amounts)),
            usage: ResourceUsage(try row.json(BudgetItem.amounts)))
    }
}

extension BudgetItem {
    static func json(_ amounts: [BudgetItem: Int64]) -> JSONValue {
        .object(amounts.map { JSONMember($0.key.rawValue, .int($0.value)) })
    }

    fileprivate static func amounts(_ value: JSONValue) throws(JSONShapeError) -> [BudgetItem: Int64] {
        guard case .object(let members) = value else { throw JSONShapeError(message: "is not an object") }
        var amounts: [BudgetItem: Int64] = [:]
        for member in members { amounts[try JSONShape.word(.string(member.key))] = try JSONShape.integer(member.value) }
        return amounts
    }
}

extension AgentImage: StoredRecord {
    static let table = StoredTable(
        "image",
        [
            "id", "name", "version", "system_prompt", "default_tools", "context_policy", "safety_profile", "required_capabilities",
        ])

    func bind(into values: inout ParameterBinder) throws(LibOSError) {
        values.bind(id)
        values.bind(name)
        values.bind(version)
        values.bind(systemPrompt)
        try values.bind(json: .strings(defaultTools))
        values.bind(contextPolicy.rawValue)
        values.bind(safetyProfile)
        try values.bind(json: .strings(requiredCapabilities))
    }

    init(from row: inout RowReader) throws(LibOSError) {
        self.init(
            id: try row.text(), name: try row.text(), version: try row.text(), systemPrompt: try row.text(),
            defaultTools: try row.json(JSONShape.texts), contextPolicy: try row.word(), safetyProfile: try row.text(),
            requiredCapabilities: try row.json(JSONShape.texts))
    }
}
