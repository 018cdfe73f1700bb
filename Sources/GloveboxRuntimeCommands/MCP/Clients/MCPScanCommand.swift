internal import ArgumentParser
internal import CommandOutput
internal import MCPClients
internal import StrictJSON

struct MCPScanCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "scan", abstract: "Find the MCP servers that clients start here, and say which are sealed.",
        discussion: """
            Reads the configurations of Claude Desktop, Claude Code, Cursor, VS Code, Codex and Copilot CLI, of this user and of the \
            project in the current directory. Starts nothing and changes nothing.

            sealed: through `glovebox mcp run`, with its policy. own: `glovebox mcp serve`. unsealed: with all rights of the client. \
            remote: runs elsewhere, and no sandbox here reaches it. A server counts as sealed by `glovebox` on PATH or by this very \
            program; a program of that name elsewhere seals nothing. unclear: what the client would start cannot be told for certain, or it takes its \
            policy from the project.

            Exit codes: 0; with --check 1 when an enabled server is unsealed or unclear, or a file cannot be read.
            """)

    @Flag(help: "Exit with 1 when something is not sealed or cannot be read.") var check = false
    @OptionGroup var options: ClientOptions

    func perform(_ interruption: Interruption) async throws -> Int32 {
        let found = try options.find()
        let own = ServerStanding.ownPrograms()
        var standings: [ServerStanding] = []
        var unreadable: [(KnownClient.Place, String)] = []
        for file in found {
            switch file.content {
            case .success((_, let configuration)):
                standings += configuration.entries.map { ServerStanding($0, at: file.place, ownPrograms: own) }
            case .failure(let problem): unreadable.append((file.place, problem.message))
            }
        }
        if options.json {
            Document.print(
                "mcp.scan/1",
                [
                    JSONMember("servers", .array(standings.map(\.json))),
                    JSONMember(
                        "unreadable",
                        .array(
                            unreadable.map {
                                .object(["client": .string($0.0.client.rawValue), "file": .string($0.0.path), "problem": .string($0.1)])
                            })),
                    JSONMember("files", .strings(found.map(\.place.path))),
                ])
        } else {
            show(standings, unreadable, files: found.count)
        }
        let isFine = unreadable.isEmpty && !standings.contains { $0.isExposed || $0.state == .unclear && !$0.entry.isDisabled }
        return check && !isFine ? ExitStatus.negative : ExitStatus.success
    }

    private func show(_ standings: [ServerStanding], _ unreadable: [(KnownClient.Place, String)], files: Int) {
        for (_, problem) in unreadable { Console.complain("cannot be read: \(problem)") }
        if standings.isEmpty {
            return Console.print(files == 0 ? "no configuration of a known client was found" : "no MCP server is configured")
        }
        var table = TextTable(["CLIENT", "SERVER", "STATE", "POLICY", "WHERE"])
        for standing in standings {
            let entry = standing.entry
            let remarks = [entry.isDisabled ? "disabled" : nil, entry.project.map { "project \($0)" }, standing.note].compactMap(\.self)
            table.add([
                standing.place.client.rawValue, entry.name, standing.state.rawValue,
                ([standing.policy ?? "–"] + standing.allowed.map { "+allow \($0)" }).joined(separator: " "),
                "\(standing.place.path):\(entry.position.line)" + (remarks.isEmpty ? "" : " (\(remarks.joined(separator: "; ")))"),
            ])
        }
        table.print()
        let exposed = standings.count(where: \.isExposed)
        if exposed > 0 { Console.print("\n\(exposed) unsealed; seal them with `glovebox mcp wrap --all`, which shows the change first") }
    }
}
