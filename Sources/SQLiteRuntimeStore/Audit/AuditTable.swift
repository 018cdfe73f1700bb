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

    /// The same in order, with whether every JSON column is JSON: only then do the fields of a hashed text have one reading.
    static let verifying =
        "SELECT " + (table.columns.map { "audit.\($0)" } + ["content.bytes", areValid]).joined(separator: ", ")
        + " FROM audit LEFT JOIN content ON content.sha256 = audit.decision_sha256 ORDER BY audit.sequence"
    private static let areValid =
        "json_valid(audit.inputs) AND json_valid(audit.outputs) AND json_valid(audit.capabilities) "
        + "AND json_valid(coalesce(audit.decision, 'null'))"
    static let verifiedColumns = StoredTable("audit", readColumns.columns + ["lists or decision"])

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

    /// A row for verification: nothing is parsed, so that what is hashed is what is stored.
    struct StoredRow {
        var row: AuditRow
        var hash: [UInt8]
        var previousHash: [UInt8]
        var content: Content

        enum Content {
            case none, dropped
            /// SHA-256 of what is kept.
            case kept([UInt8])
        }

        init(from row: inout RowReader) throws(LibOSError) {
            let id = try row.text()
            let sequence = try row.integer()
            let timestamp = try row.integer()
            let actor = try row.text()
            let action = try row.text()
            let target = try row.optionalText()
            let lists = (try row.text(), try row.text(), try row.text())
            let inline = try row.optionalText()
            let named = try row.optionalBlob(count: 32)
            let correlation = try row.optionalText()
            let parent = try row.optionalText()
            hash = try row.blob(count: 32)
            previousHash = try row.blob(count: 32)
            let kept = try row.optionalBlobHash()
            if try !row.flag() { throw row.bad("is no JSON") }
            let decision: AuditRow.Decision
            switch (inline, named) {
            case (.some(let text), nil): (decision, content) = (.inline(text), .none)
            case (nil, .some(let named)): (decision, content) = (.content(named), kept.map { .kept($0) } ?? .dropped)
            default: throw row.bad("and its decision contradict one another")
            }
            self.row = AuditRow(
                sequence: sequence, id: id, timestamp: timestamp, actor: actor, action: action, target: target, inputs: lists.0,
                outputs: lists.1, capabilities: lists.2, decision: decision, correlation: correlation, parent: parent)
        }
    }
}
