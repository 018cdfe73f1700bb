internal import ArgumentParser
internal import CapabilityLanguage
internal import CommandOutput
internal import LibOSModel
internal import StrictJSON
internal import ToolBroker

struct ToolShowCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show one tool: what it takes, and what a call of it needs.")

    @Argument(help: ArgumentHelp("A tool.", valueName: "name")) var name: String
    @Flag(help: "Print JSON (glovebox.tool/1).") var json = false
    @OptionGroup var manifests: ToolOptions

    func perform(_ interruption: Interruption) async throws -> Int32 {
        let registry = try manifests.registry()
        guard let tool = registry.tool(named: name) else {
            throw CommandFailure(
                exitCode: ExitStatus.notFound,
                message: "there is no tool `\(printable(name))`; \(NearestWord.mend(for: name, among: registry.all.map(\.name)))")
        }
        let policy = tool.policy.flatMap { try? LoadedPolicies().policy($0) }
        if json {
            Document.print("tool/1", tool.members + [JSONMember("sessions", tool.sessions(under: policy))])
            return ExitStatus.success
        }
        var lines = ["\(tool.name)  \(tool.action.word)" + (tool.policy.map { "  policy \($0)" } ?? ""), "  \(tool.spec.description)"]
        for need in tool.needs { lines.append("  needs   \(need.source)") }
        if !tool.syscalls.isEmpty { lines.append("  libOS   \(tool.syscalls.sorted(by: utf8Precedes).joined(separator: ", "))") }
        lines += tool.sessionLines(under: policy)
        lines.append("  from    \(tool.file)")
        Console.print(lines.map(SafeText.line).joined(separator: "\n"))
        Console.print(SafeText.clean(tool.spec.inputSchema.prettyText))
        return ExitStatus.success
    }
}
