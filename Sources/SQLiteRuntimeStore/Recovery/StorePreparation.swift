internal import GRDB
internal import LibOSModel
internal import Synchronization

extension SQLiteRuntimeStore {
    /// Brings a file that was just opened up to date, and closes what a crash has left open. On the caller's thread.
    func prepare() throws(LibOSError) {
        do {
            try StoreSchema.migrator.migrate(database)
        } catch {
            throw StoreFailure.error(for: error, store: name)
        }
        if try database.unsafeReentrantWrite({ database in self.recover(on: database) }).get() == .power { try awaitDisk() }
    }

    private func recover(on database: Database) -> Result<Durability, LibOSError> {
        let reading = SQLiteTransaction(connection: connection(database), now: instant(), head: nil, epoch: 0)
        do {
            let head = try reading.checkedHead()
            state.withLock { state in
                state.head = head
                state.latest = max(state.latest, head.timestamp)
            }
            if try !reading.hasUnfinishedWork() { return .success(.process) }
        } catch {
            return .failure(error)
        }
        let path = isInMemory ? nil : name
        return commit(.power, on: database) { (transaction: SQLiteTransaction) throws(LibOSError) in
            try CrashRecovery(transaction: transaction) { process in path.map { LiveSession.isHeld(process, store: $0) } ?? false }.run()
        }.map(\.durability)
    }
}

extension SQLiteTransaction {
    /// The end of the chain; throws when the last record is not the one that the end names.
    fileprivate func checkedHead() throws(LibOSError) -> AuditHead {
        let head = try auditHead()
        let last = try lastAudit()
        guard (last?.sequence ?? 0) == head.count, last?.hash ?? AuditRecord.firstPreviousHash == AuditChain.hexadecimal(head.hash) else {
            throw LibOSError(
                .store,
                "the audit of the store \(connection.name) ends at record \(last?.sequence ?? 0), and record \(head.count) should be its last",
                mend: "records were removed or added by hand; `glovebox audit verify` says more, and a backup has what is missing")
        }
        return head
    }

    /// Whether a run of the runtime ended in the middle of something.
    fileprivate func hasUnfinishedWork() throws(LibOSError) -> Bool {
        try connection.number(
            """
            SELECT EXISTS (SELECT 1 FROM tool_call WHERE state = 'intended') OR EXISTS (SELECT 1 FROM model_call WHERE status = 'pending')
                OR EXISTS (SELECT 1 FROM process WHERE status = 'running') OR EXISTS (SELECT 1 FROM pending_action WHERE state = 'resuming')
            """) == 1
    }
}
