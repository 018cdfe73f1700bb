internal import ArgumentParser
internal import CapabilityLanguage
internal import CommandOutput
internal import LibOSModel
internal import StrictJSON

struct CapabilityListCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List records of authority: of one process, or of all that live.")

    @Argument(help: ArgumentHelp("A process.", valueName: "pid")) var pid: String?
    @Flag(help: "Ended records, and those of the process's own memory objects, too.") var all = false
    @OptionGroup var options: StoreOptions

    func perform(_ interruption: Interruption) async throws -> Int32 {
        let wanted = try pid.map { word throws(CommandFailure) in try ProcessID.typed(word) }
        let isEverything = all
        let records = try await options.reading { store throws(LibOSError) in
            var subjects: [ProcessID] = []
            if let wanted {
                subjects = [try store.existingProcess(wanted).id]
            } else {
                subjects = try store.processes(status: nil).filter { !$0.status.isTerminal }.map(\.id)
            }
            var records: [CapabilityRecord] = []
            for subject in subjects { records += try store.capabilities(of: subject) }
            return records.filter { isEverything || ($0.isActive(at: store.now) && !$0.isOfMemory) }
        }
        if options.json {
            Document.print("capabilities/1", "capabilities", records.map(\.json))
        } else if records.isEmpty {
            Console.note("no records")
        } else {
            var table = TextTable(["ID", "SUBJECT", "EFFECT", "RESOURCE", "RIGHTS", "BY", ""])
            for record in records {
                var notes: [String] = record.status == .active ? [] : [record.status.rawValue]
                if let uses = record.usesRemaining { notes.append("\(uses) uses left") }
                if record.constraints.actionHash != nil { notes.append("for one action") }
                if let end = record.expiresAt { notes.append("until \(end)") }
                table.add([
                    record.id.text, record.subject.text, record.effect.rawValue, record.resource.description,
                    CapabilityWords.names(record.rights), record.issuedBy, notes.joined(separator: ", "),
                ])
            }
            table.print()
        }
        return ExitStatus.success
    }
}

extension CapabilityRecord {
    /// A handle of the process's own memory: there are many, and they say little.
    fileprivate var isOfMemory: Bool { resource.kind == .object || resource.kind == .objectNamespace }
}
