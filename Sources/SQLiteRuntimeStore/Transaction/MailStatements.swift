internal import LibOSModel

extension SQLiteTransaction {
    func humanRequest(_ id: HumanRequestID) throws(LibOSError) -> HumanRequest? { try connection.row("WHERE id = ?1") { $0.bind(id) } }

    func humanRequests(status: HumanRequest.Status?, process: ProcessID?) throws(LibOSError) -> [HumanRequest] {
        var conditions: [String] = []
        if status != nil { conditions.append("status = ?") }
        if process != nil { conditions.append("process = ?") }
        let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ") + " "
        return try connection.rows(filter + "ORDER BY sequence") {
            if let status { $0.bind(status.rawValue) }
            if let process { $0.bind(process) }
        }
    }

    func insert(_ request: HumanRequest) throws(LibOSError) { try connection.insert(request) }
    func update(_ request: HumanRequest) throws(LibOSError) { try connection.update(request, called: request.id.text) }

    func message(_ id: MessageID) throws(LibOSError) -> ProcessMessage? { try connection.row("WHERE id = ?1") { $0.bind(id) } }

    func messages(
        for recipient: ProcessID, status: ProcessMessage.Status?, matching filter: MessageFilter, limit: Int
    ) throws(LibOSError) -> [ProcessMessage] {
        var clause = "WHERE recipient = ?"
        if status != nil { clause += " AND status = ?" }
        if filter.kind != nil { clause += " AND kind = ?" }
        if filter.sender != nil { clause += " AND sender = ?" }
        if filter.channel != nil { clause += " AND channel = ?" }
        if filter.correlation != nil { clause += " AND correlation = ?" }
        if filter.replyTo != nil { clause += " AND reply_to = ?" }
        if filter.ids != nil { clause += " AND id IN (SELECT value FROM json_each(?))" }
        return try connection.rows(clause + " ORDER BY sequence LIMIT ?") { (values) throws(LibOSError) in
            values.bind(recipient)
            if let status { values.bind(status.rawValue) }
            if let kind = filter.kind { values.bind(kind.rawValue) }
            if let sender = filter.sender { values.bind(sender) }
            if let channel = filter.channel { values.bind(channel) }
            if let correlation = filter.correlation { values.bind(correlation) }
            if let replyTo = filter.replyTo { values.bind(replyTo) }
            if let ids = filter.ids { try values.bind(json: JSONShape.of(ids)) }
            values.bind(Int64(max(0, limit)))
        }
    }

    func insert(_ message: ProcessMessage) throws(LibOSError) { try connection.insert(message) }
    func update(_ message: ProcessMessage) throws(LibOSError) { try connection.update(message, called: message.id.text) }
}
