internal import LibOSModel

extension SQLiteTransaction {
    func object(_ id: ObjectID) throws(LibOSError) -> AgentObject? { try connection.row("WHERE id = ?1") { $0.bind(id) } }

    func object(named name: String, in namespace: String) throws(LibOSError) -> AgentObject? {
        try connection.row("WHERE namespace = ?1 AND name = ?2") {
            $0.bind(namespace)
            $0.bind(name)
        }
    }

    func objects(_ query: ObjectQuery) throws(LibOSError) -> [AgentObject] {
        // The shape of the statement follows what is asked for, its values never do.
        var conditions: [String] = []
        if query.type != nil { conditions.append("type = ?") }
        if query.namespace != nil { conditions.append("namespace = ?") }
        if query.name != nil { conditions.append("name = ?") }
        if query.text != nil { conditions.append("(instr(title, ?) > 0 OR instr(summary, ?) > 0 OR instr(name, ?) > 0)") }
        for _ in query.tags { conditions.append("EXISTS (SELECT 1 FROM json_each(object.tags) WHERE value = ?)") }
        let filter = conditions.isEmpty ? "" : "WHERE " + conditions.joined(separator: " AND ") + " "
        return try connection.rows(filter + "ORDER BY sequence LIMIT ?") {
            if let type = query.type { $0.bind(type.rawValue) }
            if let namespace = query.namespace { $0.bind(namespace) }
            if let name = query.name { $0.bind(name) }
            if let text = query.text { for _ in 0..<3 { $0.bind(text) } }
            for tag in query.tags { $0.bind(tag) }
            $0.bind(Int64(max(0, query.limit)))
        }
    }

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
    func update(_ object: AgentObject) throws(LibOSError) { try connection.update(object, called: object.id.text) }

    /// Takes the links from it and to it along. Nothing happens when there is no such object.
    func delete(_ id: ObjectID) throws(LibOSError) {
        try connection.run("DELETE FROM object WHERE id = ?1") { $0.bind(id) }
        try connection.run("DELETE FROM object_link WHERE source = ?1 OR destination = ?1") { $0.bind(id) }
    }

    func insert(_ link: ObjectLink) throws(LibOSError) { try connection.insert(link) }
    func insert(_ namespace: ObjectNamespace) throws(LibOSError) { try connection.insert(namespace) }
}
