internal import ArgumentParser
internal import CommandOutput
internal import LibOSModel
internal import StrictJSON

struct MemoryListCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List objects: of one process, of a namespace, or all.")

    @Argument(help: ArgumentHelp("A process.", valueName: "pid")) var pid: String?
    @Option(help: ArgumentHelp("Objects of this namespace.", valueName: "name")) var namespace: String?
    @Option(help: ArgumentHelp("Objects of this type, for example tool_result.", valueName: "type")) var type: String?
    @Option(help: "Objects at most.") var limit = 200
    @OptionGroup var options: StoreOptions

    func perform(_ interruption: Interruption) async throws -> Int32 {
        let owner = try pid.map { word throws(CommandFailure) in try ProcessID.typed(word) }
        var wanted: ObjectType?
        if let type {
            wanted = ObjectType(rawValue: type)
            if wanted == nil {
                throw CommandFailure.usage(
                    "there is no type `\(printable(type))`; known are: " + ObjectType.allCases.map(\.rawValue).joined(separator: ", "))
            }
        }
        let query = ObjectQuery(
            type: wanted, namespace: namespace ?? owner.map { AgentProcess.namespace(of: $0) }, limit: max(1, limit))
        let objects = try await options.reading { store throws(LibOSError) in try store.objects(query) }
        if options.json {
            Document.print("objects/1", "objects", objects.map { .object($0.members) })
        } else if objects.isEmpty {
            Console.note("no objects")
        } else {
            var table = TextTable(["OID", "TYPE", "VERSION", "NAMESPACE", "TITLE"])
            for object in objects {
                table.add([
                    object.id.text, object.type.rawValue, String(object.version), object.namespace,
                    printable(object.metadata.title ?? object.name).shortened(to: 80),
                ])
            }
            table.print()
        }
        return ExitStatus.success
    }
}

extension AgentObject {
    /// Keys of an object without its payload.
    var members: [JSONMember] {
        [
            JSONMember("oid", .string(id.text)), JSONMember("namespace", .string(namespace)), JSONMember("name", .string(name)),
            JSONMember("type", .string(type.rawValue)), JSONMember("title", .optional(metadata.title)),
            JSONMember("summary", .optional(metadata.summary)), JSONMember("tags", .strings(metadata.tags)),
            JSONMember("version", .int(version)), JSONMember("immutable", .bool(isImmutable)),
            JSONMember("created_by", .string(createdBy)), JSONMember("created_at", .string(createdAt.description)),
            JSONMember("updated_at", .string(updatedAt.description)),
        ]
    }
}
