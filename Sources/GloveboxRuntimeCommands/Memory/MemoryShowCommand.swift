internal import ArgumentParser
internal import CommandOutput
internal import LibOSModel
internal import StrictJSON

struct MemoryShowCommand: StoreCommand {
    static let configuration = CommandConfiguration(commandName: "show", abstract: "Show one object with its content.")

    @Argument(help: ArgumentHelp("An object.", valueName: "oid")) var id: String
    @OptionGroup var options: StoreOptions

    func perform(_ interruption: Interruption) async throws -> Int32 {
        let id = try ObjectID.typed(id, "object", listedBy: "memory list")
        let (object, links) = try await options.reading { store throws(LibOSError) in
            guard let object = try store.object(id) else { throw .notFound("object \(id)") }
            return (object, try store.links(from: id))
        }
        if options.json {
            let linked: [JSONValue] = links.map {
                .object(["relation": .string($0.relation.rawValue), "oid": .string($0.destination.text)])
            }
            Document.print(
                "object/1",
                object.members + [
                    JSONMember("source_refs", .strings(object.provenance.sourceRefs)),
                    JSONMember("created_from_action", .optional(object.provenance.createdFromAction)),
                    JSONMember("links", .array(linked)), JSONMember("payload", object.payload),
                ])
        } else {
            var lines = ["\(object.id)  \(object.type.rawValue)  version \(object.version)  of \(object.createdBy)  at \(object.createdAt)"]
            lines.append("  \(object.qualifiedName)" + (object.metadata.title.map { "  \($0)" } ?? ""))
            for link in links { lines.append("  \(link.relation.rawValue) \(link.destination)") }
            Console.print(lines.map { SafeText.line(printable($0)) }.joined(separator: "\n"))
            Console.print(SafeText.clean(object.payload.prettyText))
        }
        return ExitStatus.success
    }
}
