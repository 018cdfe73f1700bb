internal import LibOSModel
internal import StrictJSON

/// Reading and writing rows of the audit.
enum AuditTable {
    static let table = StoredTable(
        "audit",
        [
            "id", "sequence", "timestamp", "actor", "action", "target", "inputs", "outputs", "capabilities", "decision",
            "decision_sha256", "correlation", "parent", "hash", "previous_hash",
        ])

    /// With the decision from where it is kept: the text in the row, or the content (NULL when it was dropped).
    static let select =
        "SELECT " + (table.columns.map { "audit.\($0)" } + ["content.bytes"]).joined(separator: ", ")
        + " FROM audit LEFT JOIN content ON content.sha256 = audit.decision_sha256 "

    static let readColumns = StoredTable("audit", table.columns + ["content"])

    static func bind(_ row: AuditRow, hash: [UInt8], previous: [UInt8], into values: inout ParameterBinder) {
        values.bind(row.id)
        values.bind(row.sequence)
        values.bind(row.timestamp)
        values.bind(row.actor)
        values.bind(row.action)
        values.bind(row.target)
        values.bind(row.inputs)
        values.bind(row.outputs)
        values.bind(row.capabilities)
        switch row.decision {
        case .inline(let json):
            values.bind(json)
            values.bindNull()
        case .content(let hash):
            values.bindNull()
            values.bind(blob: hash)
        }
        values.bind(row.correlation)
        values.bind(row.parent)
        values.bind(blob: hash)
        values.bind(blob: previous)
    }

    static func record(from row: inout RowReader) throws(LibOSError) -> AuditRecord {
        let id: AuditID = try row.id()
        let sequence = try row.integer()
        let timestamp = try row.instant()
        var entry = AuditEntry(
            actor: try row.text(), action: try row.text(), target: try row.optionalText(), inputs: try row.json(JSONShape.ids),
            outputs: try row.json(JSONShape.ids), capabilities: try row.json(JSONShape.ids))
        let inline = try row.optionalJSON()
        let named = try row.optionalBlob(count: 32)
        entry.correlation = try row.optionalText()
        entry.parent = try row.optionalID()
        let hash = try row.blob(count: 32)
        let previous = try row.blob(count: 32)
        let content = try row.optionalContentJSON()
        switch (inline, named) {
        case (.some(let decision), nil): entry.decision = decision
        case (nil, .some(let named)): entry.decision = content ?? AuditContent.dropped(named)
        default: throw row.bad("and its decision contradict one another")
        }
        return AuditRecord(
            id: id, sequence: sequence, timestamp: timestamp, entry: entry, hash: AuditChain.hexadecimal(hash),
            previousHash: AuditChain.hexadecimal(previous))
    }
}
