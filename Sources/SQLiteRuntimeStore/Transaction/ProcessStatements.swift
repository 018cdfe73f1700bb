internal import LibOSModel

extension SQLiteTransaction {
    func process(_ id: ProcessID) throws(LibOSError) -> AgentProcess? {
        try connection.row("WHERE id = ?1") { $0.bind(id) }
    }

    func processes(status: ProcessStatus?) throws(LibOSError) -> [AgentProcess] {
        guard let status else { return try connection.rows("ORDER BY sequence") }
        return try connection.rows("WHERE status = ?1 ORDER BY sequence") { $0.bind(status.rawValue) }
    }

    func children(of id: ProcessID) throws(LibOSError) -> [AgentProcess] {
        try connection.rows("WHERE parent = ?1 ORDER BY sequence") { $0.bind(id) }
    }

    func childCount(of id: ProcessID) throws(LibOSError) -> Int64 {
        try connection.number("SELECT count(*) FROM process WHERE parent = ?1") { $0.bind(id) } ?? 0
    }

    func waiter(forChild id: ProcessID) throws(LibOSError) -> AgentProcess? {
        try connection.row("WHERE waited_child = ?1 ORDER BY sequence LIMIT 1") { $0.bind(id) }
    }

    func insert(_ process: AgentProcess) throws(LibOSError) { try connection.insert(process) }
    func update(_ process: AgentProcess) throws(LibOSError) { try connection.update(process, called: process.id.text) }

    func image(_ id: String) throws(LibOSError) -> AgentImage? { try connection.row("WHERE id = ?1") { $0.bind(id) } }
    func images() throws(LibOSError) -> [AgentImage] { try connection.rows("ORDER BY sequence") }
    func put(_ image: AgentImage) throws(LibOSError) { try connection.put(image) }
}
