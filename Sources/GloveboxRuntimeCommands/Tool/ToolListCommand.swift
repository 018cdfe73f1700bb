internal import ArgumentParser
internal import CommandOutput
internal import LibOSModel
internal import StrictJSON
internal import ToolBroker

struct ToolListCommand: StoreCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List the tools of this host.")

    @Flag(help: "Print JSON (glovebox.tools/1).") var json = false
    @OptionGroup var manifests: ToolOptions

    func perform(_ interruption: Interruption) async throws -> Int32 {
        let tools = try manifests.registry().all
        if json {
            Document.print("tools/1", "tools", tools.map { .object($0.members) })
        } else {
            var table = TextTable(["NAME", "PROTOCOL", "POLICY", "DESCRIPTION"])
            for tool in tools { table.add([tool.name, tool.action.word, tool.policy ?? "", tool.spec.description]) }
            table.print()
        }
        return ExitStatus.success
    }
}

extension ToolManifest {
    /// Keys of `glovebox.tool/1`.
    var members: [JSONMember] {
        [
            JSONMember("name", .string(name)), JSONMember("tool_id", .string(spec.id.text)), JSONMember("version", .string(spec.version)),
            JSONMember("description", .string(spec.description)), JSONMember("protocol", .string(action.word)),
            JSONMember("policy", .optional(policy)), JSONMember("needs", .strings(needs.map(\.source))),
            JSONMember("syscalls", .strings(syscalls.sorted(by: utf8Precedes))), JSONMember("session", .bool(understandsSessions)),
            JSONMember("tags", .strings(spec.tags)), JSONMember("input", spec.inputSchema),
            JSONMember("output", spec.outputSchema ?? .null), JSONMember("file", .string(file)),
        ]
    }
}
