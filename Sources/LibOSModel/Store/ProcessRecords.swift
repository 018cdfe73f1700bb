package protocol ProcessReading {
    func process(_ id: ProcessID) throws(LibOSError) -> AgentProcess?
    /// Where a process stands, without the rest of it. Nil when there is none.
    func status(of id: ProcessID) throws(LibOSError) -> ProcessStatus?
    func account(of id: ProcessID) throws(LibOSError) -> ProcessAccount?
    /// Oldest first.
    func processes(status: ProcessStatus?) throws(LibOSError) -> [AgentProcess]
    /// Direct children, ended ones too, oldest first.
    func children(of id: ProcessID) throws(LibOSError) -> [AgentProcess]
    func childCount(of id: ProcessID) throws(LibOSError) -> Int64
    /// The process that waits for this child, if one does.
    func waiter(forChild id: ProcessID) throws(LibOSError) -> AgentProcess?
    func image(_ id: String) throws(LibOSError) -> AgentImage?
    func images() throws(LibOSError) -> [AgentImage]
}

package protocol ProcessWriting {
    func insert(_ process: AgentProcess) throws(LibOSError)
    /// Replaces the stored state. The caller read it in the same transaction.
    func update(_ process: AgentProcess) throws(LibOSError)
    /// Replaces what the process has used, and nothing else of it. The caller read it in the same transaction.
    func update(_ account: ProcessAccount) throws(LibOSError)
    func put(_ image: AgentImage) throws(LibOSError)
}

extension ProcessReading {
    /// Where a process stands, or an error that names it.
    package func existingStatus(of id: ProcessID) throws(LibOSError) -> ProcessStatus {
        guard let status = try status(of: id) else { throw .notFound("process \(id)") }
        return status
    }

    /// The process, or an error that names it.
    package func existingProcess(_ id: ProcessID) throws(LibOSError) -> AgentProcess {
        guard let process = try process(id) else { throw .notFound("process \(id)") }
        return process
    }
}
