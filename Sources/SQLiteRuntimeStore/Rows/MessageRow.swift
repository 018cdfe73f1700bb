internal import LibOSModel
internal import StrictJSON

extension ProcessMessage: StoredRecord {
    static let table = StoredTable(
        "message",
        [
            "id", "sender", "recipient", "kind", "channel", "correlation", "reply_to", "subject", "body", "payload", "status",
            "created_at", "acked_at",
        ])

    func bind(into values: inout ParameterBinder) throws(LibOSError) {
        values.bind(id)
        values.bind(sender)
        values.bind(recipient)
        values.bind(kind.rawValue)
        values.bind(channel)
        values.bind(correlation)
        values.bind(replyTo)
        values.bind(subject)
        values.bind(body)
        try values.bind(json: payload)
        values.bind(status.rawValue)
        values.bind(createdAt)
        values.bind(ackedAt)
    }

    init(from row: inout RowReader) throws(LibOSError) {
        self.init(
            id: try row.id(), sender: try row.text(), recipient: try row.id(), kind: try row.word(), channel: try row.text(),
            correlation: try row.optionalText(), replyTo: try row.optionalID(), subject: try row.optionalText(), body: try row.text(),
            payload: try row.json(), status: try row.word(), createdAt: try row.instant(), ackedAt: try row.optionalInstant())
    }
}

extension RuntimeEvent: StoredRecord {
    static let table = StoredTable("event", ["id", "type", "source", "target", "payload", "priority", "created_at"])

    func bind(into values: inout ParameterBinder) throws(LibOSError) {
        values.bind(id)
        values.bind(type.rawValue)
        values.bind(source)
        values.bind(target)
        try values.bind(json: payload)
        values.bind(priority.rawValue)
        values.bind(createdAt)
    }

    init(from row: inout RowReader) throws(LibOSError) {
        self.init(
            id: try row.id(), type: try row.word(), source: try row.text(), target: try row.optionalText(), payload: try row.json(),
            priority: try row.word(), createdAt: try row.instant())
    }
}
