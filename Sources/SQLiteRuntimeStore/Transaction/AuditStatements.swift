internal import LibOSModel
internal import StrictJSON

extension SQLiteTransaction {
    @discardableResult
    func append(_ entry: AuditEntry) throws(LibOSError) -> AuditRecord {
        let last = try auditHead()
        let (sequence, overflow) = last.count.addingReportingOverflow(1)
        if overflow { throw LibOSError(.store, "the audit of \(connection.name) is full") }
        if AuditContent.droppedHash(in: entry.decision) != nil {
            throw LibOSError(.validation, "a decision looks like one that retention has dropped", mend: "choose another key")
        }
        let text = try StoredJSON.text(of: entry.decision)
        let id = AuditID.new()
        let row = AuditRow(
            entry, id: id, sequence: sequence, timestamp: now,
            decision: AuditContent.isLarge(text) ? .content(try keep(text)) : .inline(text))
        let previous = AuditChain.hexadecimal(last.hash)
        let hash = AuditChain.digest(row.canonicalBytes, after: previous.utf8)
        try connection.run(AuditTable.table.insert) { AuditTable.bind(row, hash: hash, previous: last.hash, into: &$0) }
        head = AuditHead(count: sequence, hash: hash, timestamp: now)
        hasAppended = true
        return AuditRecord(
            id: id, sequence: sequence, timestamp: now, entry: entry, hash: AuditChain.hexadecimal(hash), previousHash: previous)
    }

    func audit(_ id: AuditID) throws(LibOSError) -> AuditRecord? {
        try records("WHERE audit.id = ?1") { $0.bind(id) }.first
    }

    func audit(_ query: AuditQuery) throws(LibOSError) -> [AuditRecord] {
        var clause = "WHERE audit.sequence > ?"
        let prefix = query.action.flatMap { $0.hasSuffix(".") ? $0 : nil }
        if query.actor != nil { clause += " AND audit.actor = ?" }
        // `/` follows `.`: everything between the two begins with the prefix.
        if query.action != nil { clause += prefix == nil ? " AND audit.action = ?" : " AND audit.action >= ? AND audit.action < ?" }
        if query.target != nil { clause += " AND audit.target = ?" }
        if query.correlation != nil { clause += " AND audit.correlation = ?" }
        return try records(clause + " ORDER BY audit.sequence LIMIT ?") {
            $0.bind(query.after)
            if let actor = query.actor { $0.bind(actor) }
            if let prefix {
                $0.bind(prefix)
                $0.bind(prefix.dropLast() + "/")
            } else if let action = query.action {
                $0.bind(action)
            }
            if let target = query.target { $0.bind(target) }
            if let correlation = query.correlation { $0.bind(correlation) }
            $0.bind(Int64(max(0, query.limit)))
        }
    }

    func lastAudit() throws(LibOSError) -> AuditRecord? {
        try records("ORDER BY audit.sequence DESC LIMIT 1") { _ in }.first
    }

    /// End of the chain, from the row that keeps it.
    func auditHead() throws(LibOSError) -> AuditHead {
        if let head { return head }
        guard let stored = try AuditHead.read(connection) else {
            throw LibOSError(
                .store, "the store \(connection.name) is damaged: the end of its audit is not recorded", mend: "restore a backup")
        }
        head = stored
        return stored
    }

    /// Writes the end of the chain once for the whole transaction.
    func writeHead() throws(LibOSError) {
        guard hasAppended, let head else { return }
        try connection.run("UPDATE audit_head SET count = ?1, hash = ?2, timestamp = ?3") {
            $0.bind(head.count)
            $0.bind(blob: head.hash)
            $0.bind(head.timestamp)
        }
    }

    private func keep(_ text: String) throws(LibOSError) -> [UInt8] {
        let hash = AuditContent.hash(of: text)
        try connection.run("INSERT OR IGNORE INTO content (sha256, bytes) VALUES (?1, ?2)") {
            $0.bind(blob: hash)
            $0.bind(blob: text.utf8)
        }
        return hash
    }

    private func records(
        _ clause: String, _ bind: (inout ParameterBinder) throws(LibOSError) -> Void
    ) throws(LibOSError) -> [AuditRecord] {
        var records: [AuditRecord] = []
        try connection.forEach(AuditTable.select + clause, table: AuditTable.readColumns, bind) { (row) throws(LibOSError) in
            records.append(try AuditTable.record(from: &row))
        }
        return records
    }
}

extension AuditHead {
    static let table = StoredTable("audit_head", ["name", "count", "hash", "timestamp"])

    static func read(_ connection: StoreConnection) throws(LibOSError) -> AuditHead? {
        var head: AuditHead?
        try connection.forEach(table.select, table: table) { (row) throws(LibOSError) in
            _ = try row.text()
            head = AuditHead(count: try row.integer(), hash: try row.blob(count: 32), timestamp: try row.instant())
        }
        return head
    }
}
