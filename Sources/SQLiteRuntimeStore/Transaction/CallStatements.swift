internal import LibOSModel
internal import StrictJSON

extension SQLiteTransaction {
    func tool(_ id: ToolID) throws(LibOSError) -> ToolSpec? { try connection.row("WHERE id = ?1") { $0.bind(id) } }
    func put(_ tool: ToolSpec) throws(LibOSError) { try connection.put(tool) }

    func toolCall(_ id: ToolCallID) throws(LibOSError) -> ToolCallRecord? { try connection.row("WHERE id = ?1") { $0.bind(id) } }

    func toolCalls(of process: ProcessID?, state: ToolCallRecord.State?, limit: Int) throws(LibOSError) -> [ToolCallRecord] {
        var conditions: [String] = []
        if process != nil { conditions.append("process = ?") }
        // Written out, because the index on open intents is chosen for a constant only.
        if let state { conditions.append("state = '\(state.rawValue)'") }
        let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ") + " "
        return try connection.rows(filter + "ORDER BY sequence DESC LIMIT ?") {
            if let process { $0.bind(process) }
            $0.bind(Int64(max(0, limit)))
        }
    }

    func insert(_ call: ToolCallRecord) throws(LibOSError) { try connection.insert(call) }
    func update(_ call: ToolCallRecord) throws(LibOSError) { try connection.update(call, called: call.id.text) }

    func modelCall(_ id: ModelCallID) throws(LibOSError) -> ModelCallRecord? { try connection.row("WHERE id = ?1") { $0.bind(id) } }

    func modelCalls(of process: ProcessID?, limit: Int) throws(LibOSError) -> [ModelCallRecord] {
        guard let process else {
            return try connection.rows("ORDER BY sequence DESC LIMIT ?1") { $0.bind(Int64(max(0, limit))) }
        }
        return try connection.rows("WHERE process = ?1 ORDER BY sequence DESC LIMIT ?2") {
            $0.bind(process)
            $0.bind(Int64(max(0, limit)))
        }
    }

    func insert(_ call: ModelCallRecord) throws(LibOSError) {
        let tools = try descriptionID(of: call.tools)
        try connection.insert(call)
        let sequence = connection.lastSequence
        var request = RequestTexts.Request(text: [])
        if let requests = connection.requests {
            request = try requests.request(call.messages, of: call.process)
        } else {
            request.text = Array(try StoredJSON.text(of: call.messages).utf8)
        }
        if let base = request.base, try !isWrittenOut(base) { (request.base, request.shared) = (nil, 0) }
        let (base, shared) = (request.base?.sequence, request.base == nil ? nil : Int64(request.shared))
        try connection.run("INSERT INTO model_request (call, messages, tools, base, shared) VALUES (?1, ?2, ?3, ?4, ?5)") {
            $0.bind(sequence)
            $0.bind(canonical: request.text[request.shared...])
            $0.bind(tools)
            $0.bind(base)
            $0.bind(shared)
        }
        if base == nil { connection.requests?.keep(.init(call: call.id, sequence: sequence, text: request.text), of: call.process) }
    }

    /// What is remembered may have been undone, and its number given to another call.
    private func isWrittenOut(_ base: RequestTexts.Base) throws(LibOSError) -> Bool {
        let sql = """
            SELECT 1 FROM model_call JOIN model_request ON model_request.call = model_call.sequence
            WHERE model_call.sequence = ?1 AND model_call.id = ?2 AND model_request.base IS NULL
            """
        return try connection.number(sql) {
            $0.bind(base.sequence)
            $0.bind(base.call)
        } == 1
    }

    /// Descriptions of tools are the same in nearly every request of a process: each is kept once.
    private func descriptionID(of tools: JSONValue) throws(LibOSError) -> Int64? {
        let text = if let encoded = connection.encoded { try encoded.text(of: tools) } else { try StoredJSON.text(of: tools) }
        if let id = try connection.number("SELECT number FROM model_tools WHERE tools = ?1", { $0.bind(text) }) { return id }
        try connection.run("INSERT INTO model_tools (tools) VALUES (?1)") { $0.bind(text) }
        return try connection.number("SELECT last_insert_rowid()")
    }

    /// What was asked stays as it is.
    func update(_ call: ModelCallRecord) throws(LibOSError) { try connection.update(call, called: call.id.text) }

    func pendingAction(of process: ProcessID) throws(LibOSError) -> PendingAction? {
        try connection.row("WHERE process = ?1") { $0.bind(process) }
    }

    func pendingActions() throws(LibOSError) -> [PendingAction] { try connection.rows("ORDER BY sequence") }
    func put(_ action: PendingAction) throws(LibOSError) { try connection.put(action) }

    func deletePendingAction(of process: ProcessID) throws(LibOSError) {
        try connection.run("DELETE FROM pending_action WHERE process = ?1") { $0.bind(process) }
    }

    /// Requests to a model without an answer, oldest first.
    func pendingModelCalls() throws(LibOSError) -> [ModelCallRecord] {
        try connection.rows("WHERE status = 'pending' ORDER BY sequence")
    }
}
