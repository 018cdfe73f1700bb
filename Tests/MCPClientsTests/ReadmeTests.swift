import LinuxPrimitives
import MCPClients
import Testing

/// The README's configurations, taken as people take them.
@Suite("Configurations in the README")
struct ReadmeTests {
    private struct Snippet {
        var language: String
        var text: String
    }

    private func snippets() throws -> [Snippet] {
        let file = #filePath
        let root = file.split(separator: "/").dropLast(3).joined(separator: "/")
        let text = try SmallFile.text("/" + root + "/README.md")
        var found: [Snippet] = []
        var open: Snippet?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("```") {
                if let ended = open {
                    found.append(ended)
                    open = nil
                } else {
                    open = Snippet(language: String(line.dropFirst(3)), text: "")
                }
            } else {
                open?.text += line + "\n"
            }
        }
        return found
    }

    @Test func `each is read by its client's reader and sealed`() throws {
        var counts: [ClientConfiguration.Layout: Int] = [:]
        for snippet in try snippets() {
            let layout: ClientConfiguration.Layout
            switch snippet.language {
            case "json" where snippet.text.contains("\"mcpServers\""): layout = .servers
            case "json" where snippet.text.contains("\"servers\""): layout = .editor
            case "toml" where snippet.text.contains("mcp_servers"): layout = .codex
            default: continue
            }
            let entries = try ClientConfiguration.read(Array(snippet.text.utf8), layout).entries
            #expect(!entries.isEmpty)
            for entry in entries {
                let command = try #require(entry.command, "\(entry)")
                let isSealed =
                    SealedCommand.of(command, ownPrograms: [])?.policy != nil || SealedCommand.isOurServer(command, ownPrograms: [])
                #expect(isSealed && command.obstacle == nil, "\(entry.name)")
            }
            counts[layout, default: 0] += 1
        }
        #expect((counts[.servers] ?? 0) >= 1 && counts[.editor] == 1 && counts[.codex] == 1)
    }
}
