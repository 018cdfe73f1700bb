internal import ArgumentParser
internal import CommandOutput
internal import LibOSModel
internal import StrictJSON

struct AuditShowCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one audit record, with its hashes. `why` tells the story around it.")

    @Argument(help: ArgumentHelp("A record.", valueName: "id")) var id: String
    @OptionGroup var options: StoreOptions

    func perform(_ interruption: Interruption) async throws -> Int32 {
        let id = try AuditID.typed(id, "audit record", listedBy: "audit list")
        let record = try await options.reading { store throws(LibOSError) in
            guard let record = try store.audit(id) else { throw .notFound("audit record \(id)") }
            return record
        }
        let members = try record.members()
        if options.json {
            Document.print("audit_record/1", members)
        } else {
            Console.print(SafeText.clean(JSONValue.object(members).prettyText))
        }
        return ExitStatus.success
    }
}
