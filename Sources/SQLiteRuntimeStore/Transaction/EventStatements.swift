internal import LibOSModel

extension SQLiteTransaction {
    // Two ordered searches of one index that SQLite merges; an OR would have to sort.
    private static let targetOrEverybody =
        "WHERE target = ?1 AND sequence > ?2 UNION ALL " + selectWithSequence + "WHERE target IS NULL AND sequence > ?2 "
    private static let selectWithSequence =
        "SELECT \((RuntimeEvent.table.columns + ["sequence"]).map { "event.\($0)" }.joined(separator: ", ")) FROM event "

    func events(for target: String, after: EventID?, limit: Int) throws(LibOSError) -> [RuntimeEvent] {
        var seen: Int64 = 0
        if let after {
            guard let sequence = try connection.number("SELECT sequence FROM event WHERE id = ?1", { $0.bind(after) }) else {
                throw .notFound("event \(after)")
            }
            seen = sequence
        }
        return try events(for: target, after: seen, order: "ASC", limit: limit)
    }

    func recentEvents(for target: String, limit: Int) throws(LibOSError) -> [RuntimeEvent] {
        try events(for: target, after: 0, order: "DESC", limit: limit).reversed()
    }

    private func events(for target: String, after: Int64, order: String, limit: Int) throws(LibOSError) -> [RuntimeEvent] {
        let sql = Self.selectWithSequence + Self.targetOrEverybody + "ORDER BY sequence \(order) LIMIT ?3"
        var events: [RuntimeEvent] = []
        try connection.forEach(sql, table: RuntimeEvent.table) {
            $0.bind(target)
            $0.bind(after)
            $0.bind(Int64(max(0, limit)))
        } _: { (row) throws(LibOSError) in
            events.append(try RuntimeEvent(from: &row))
        }
        return events
    }

    func append(_ event: RuntimeEvent) throws(LibOSError) { try connection.insert(event) }
}
