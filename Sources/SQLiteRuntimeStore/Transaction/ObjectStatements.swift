internal import LibOSModel
internal import StrictJSON

extension SQLiteTransaction {
    func object(_ id: ObjectID) throws(LibOSError) -> AgentObject? { try connection.row("WHERE id = ?1") { $0.bind(id) } }

    func heads(of ids: [ObjectID]) throws(LibOSError) -> [ObjectID: ObjectHead] {
        var heads: [ObjectID: ObjectHead] = [:]
        if ids.isEmpty { return heads }
        let sql = ObjectHead.table.select + "WHERE id IN (SELECT value FROM json_each(?1))"
        try connection.forEach(sql, table: ObjectHead.table) { (values) throws(LibOSError) in
            try values.bind(json: JSONShape.of(ids))
        } _: { (row) throws(LibOSError) in
            let head = try ObjectHead(from: &row)
            heads[head.id] = head
        }
        return heads
    }

    func object(named name: String, in namespace: String) throws(LibOSError) -> AgentObject? {
        try connection.row("WHERE namespace = ?1 AND name = ?2") {
            $0.bind(namespace)
            $0.bind(name)
        }
    }

    func objects(_ query: ObjectQuery) throws(LibOSError) -> [AgentObject] {
        guard query.limit > 0 else { return [] }
        // The shape of the statement follows which fields are given, never their values or number: statements are kept.
        var conditions: [String] = []
        if query.type != nil { conditions.append("type = ?") }
        if query.namespace != nil { conditions.append("namespace = ?") }
        if query.name != nil { conditions.append("name = ?") }
        if query.text != nil { conditions.append("(instr(title, ?) > 0 OR instr(summary, ?) > 0 OR instr(name, ?) > 0)") }
        if !query.tags.isEmpty { conditions.append(Self.hasTags) }
        let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ") + " "
        var found: [AgentObject] = []
        try connection.forEachWhile(AgentObject.table.select + filter + "ORDER BY sequence", table: AgentObject.table) {
            (values) throws(LibOSError) in
            if let type = query.type { values.bind(type.rawValue) }
            if let namespace = query.namespace { values.bind(namespace) }
            if let name = query.name { values.bind(name) }
            if let text = query.text { for _ in 0..<3 { values.bind(text) } }
            if !query.tags.isEmpty { try values.bind(json: .strings(query.tags)) }
        } _: { (row) throws(LibOSError) in
            let object = try AgentObject(from: &row)
            // SQLite's JSON ends a text at its first NUL; the tags that it let pass are compared once more.
            if query.tags.allSatisfy({ tag in object.metadata.tags.contains { $0.utf8.elementsEqual(tag.utf8) } }) { found.append(object) }
            return found.count < query.limit
        }
        return found
    }

    private static let hasTags =
        "NOT EXISTS (SELECT 1 FROM json_each(?) AS wanted WHERE wanted.value NOT IN (SELECT value FROM json_each(object.tags)))"

    func objects(createdBy creator: String) throws(LibOSError) -> [AgentObject] {
        try connection.rows("WHERE created_by = ?1 ORDER BY sequence") { $0.bind(creator) }
    }

    func links(from id: ObjectID) throws(LibOSError) -> [ObjectLink] {
        try connection.rows("WHERE source = ?1 ORDER BY sequence") { $0.bind(id) }
    }

    func namespace(_ name: String) throws(LibOSError) -> ObjectNamespace? {
        try connection.row("WHERE name = ?1") { $0.bind(name) }
    }

    func namespaces(below parent: String?) throws(LibOSError) -> [ObjectNamespace] {
        try connection.rows("WHERE parent IS ?1 ORDER BY sequence") { $0.bind(parent) }
    }

    func insert(_ object: AgentObject) throws(LibOSError) { try connection.insert(object) }

    /// What is changed at all is mostly an account that grows.
    func update(_ object: AgentObject) throws(LibOSError) {
        guard let pieces = connection.pieces else { return try connection.update(object, called: object.id.text) }
        let payload = try pieces.bytes(of: object.payload, at: object.id.text)
        try connection.update(AgentObject.table, called: object.id.text) { (values) throws(LibOSError) in
            try object.bind(into: &values) { (values) throws(LibOSError) in values.bind(canonical: payload[...]) }
        }
    }

    /// Takes the links from it and to it along. Nothing happens when there is no such object.
    func delete(_ id: ObjectID) throws(LibOSError) {
        try connection.run("DELETE FROM object WHERE id = ?1") { $0.bind(id) }
        try connection.run("DELETE FROM object_link WHERE source = ?1 OR destination = ?1") { $0.bind(id) }
    }

    func insert(_ link: ObjectLink) throws(LibOSError) { try connection.insert(link) }
    func insert(_ namespace: ObjectNamespace) throws(LibOSError) { try connection.insert(namespace) }
}
