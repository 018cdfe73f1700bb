internal import LibOSModel

extension SQLiteTransaction {
    func process(_ id: ProcessID) throws(LibOSError) -> AgentProcess? {
        if let known = processes[id] { return known }
        guard let process: AgentProcess = try connection.row("WHERE id = ?1", { $0.bind(id) }) else { return nil }
        processes[id] = process
        views[id] = .some(process.view)
        return process
    }

    func status(of id: ProcessID) throws(LibOSError) -> ProcessStatus? {
        if let known = processes[id] { return known.status }
        var status: ProcessStatus?
        try connection.forEach("SELECT status FROM process WHERE id = ?1", table: Self.statusColumn) {
            $0.bind(id)
        } _: { (row) throws(LibOSError) in
            status = try row.word()
        }
        return status
    }

    private static let statusColumn = StoredTable("process", ["status"])

    func account(of id: ProcessID) throws(LibOSError) -> ProcessAccount? {
        var account: ProcessAccount?
        try connection.forEach(ProcessAccount.select, table: ProcessAccount.table) {
            $0.bind(id)
        } _: { (row) throws(LibOSError) in
            account = try ProcessAccount(from: &row)
        }
        return account
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

    func insert(_ process: AgentProcess) throws(LibOSError) {
        processes[process.id] = nil
        try connection.insert(process)
        views[process.id] = .some(nil)
        try keepView(of: process)
    }

    func update(_ process: AgentProcess) throws(LibOSError) {
        let known = processes[process.id]
        processes[process.id] = nil
        if let known, known.canAdvance(to: process) {
            let changed = try connection.run(AgentProcess.advance) { (values) throws(LibOSError) in try process.bindAdvance(into: &values) }
            if changed == 0 { throw .notFound("process \(process.id)") }
        } else {
            try connection.update(process, called: process.id.text)
        }
        try keepView(of: process)
    }

    func update(_ account: ProcessAccount) throws(LibOSError) {
        let changed = try connection.run(ProcessAccount.update) { (values) throws(LibOSError) in
            values.bind(account.id)
            try values.bind(json: BudgetItem.json(account.usage.amounts))
        }
        if changed == 0 { throw .notFound("process \(account.id)") }
        processes[account.id]?.usage = account.usage
    }

    /// A view grows with every result, and most changes of a process leave it as it is: it is written when it changed.
    private func keepView(of process: AgentProcess) throws(LibOSError) {
        if let stored = views[process.id], stored == process.view { return }
        if let view = process.view {
            let text =
                if let views = connection.views { try views.text(of: view, of: process.id) } else { try StoredJSON.text(of: view.json) }
            try connection.run(
                "INSERT OR REPLACE INTO process_view (process, view) VALUES ((SELECT sequence FROM process WHERE id = ?1), ?2)"
            ) {
                $0.bind(process.id)
                $0.bind(text)
            }
            connection.decoded?.keep(view, at: RowReader.place("process", "view", key: process.id.text), for: Array(text.utf8))
        } else {
            try connection.run("DELETE FROM process_view WHERE process = (SELECT sequence FROM process WHERE id = ?1)") {
                $0.bind(process.id)
            }
        }
        views[process.id] = .some(process.view)
    }

    func image(_ id: String) throws(LibOSError) -> AgentImage? { try connection.row("WHERE id = ?1") { $0.bind(id) } }
    func images() throws(LibOSError) -> [AgentImage] { try connection.rows("ORDER BY sequence") }
    func put(_ image: AgentImage) throws(LibOSError) { try connection.put(image) }
}
