internal import ArgumentParser
internal import CommandOutput
internal import LibOSModel
internal import StrictJSON

struct AuditListCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List audit records, the oldest first.",
        discussion: "Without --after it shows the newest ones.")

    @Option(help: ArgumentHelp("By whom: a process, human:NAME, runtime, …", valueName: "actor")) var actor: String?
    @Option(help: ArgumentHelp("An action, or a group of them with a dot at its end: capability.", valueName: "action")) var action: String?
    @Option(help: ArgumentHelp("On what: process:ID, tool:ID, human_request:ID, …", valueName: "target")) var target: String?
    @Option(help: ArgumentHelp("Records of one call or quantum.", valueName: "id")) var correlation: String?
    @Option(help: ArgumentHelp("Records after this number.", valueName: "number")) var after: Int64?
    @Option(help: "Records at most.") var limit = 100
    @OptionGroup var options: StoreOptions

    func perform(_ interruption: Interruption) async throws -> Int32 {
        let hasFilter = actor != nil || action != nil || target != nil || correlation != nil
        let query = AuditQuery(
            actor: actor, action: action, target: target, correlation: correlation, after: after ?? 0, limit: max(1, limit))
        let (isNewest, limit) = (after == nil, max(1, limit))
        let records = try await options.reading { store throws(LibOSError) in
            var query = query
            if isNewest {
                // Filtered ones have no numbers to count back from.
                if hasFilter { query.limit = .max } else { query.after = max(0, (try store.lastAudit()?.sequence ?? 0) - Int64(limit)) }
            }
            return Array(try store.audit(query).suffix(limit))
        }
        if options.json {
            Document.print("audit_records/1", "records", try records.map { record throws(LibOSError) in .object(try record.members()) })
        } else if records.isEmpty {
            Console.note("no records")
        } else {
            var table = TextTable(["#", "TIME", "ID", "ACTOR", "ACTION", "TARGET", ""])
            for record in records {
                table.add([
                    String(record.sequence), record.timestamp.description, record.id.text, record.entry.actor, record.entry.action,
                    record.entry.target ?? "", record.summary.shortened(to: 120),
                ])
            }
            table.print()
        }
        return ExitStatus.success
    }
}
