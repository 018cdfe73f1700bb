import MCPClients
import StrictJSON
import TestSupport
import Testing

@testable import GloveboxRuntimeCommands

@Suite("How a server will be sealed")
struct SealChoiceTests {
    private func entry(_ name: String, _ members: KeyValuePairs<String, JSONValue>) throws -> (ServerEntry, ServerCommand) {
        let text = JSONValue.object(["mcpServers": .object([JSONMember(name, .object(members.map { JSONMember($0.key, $0.value) }))])])
        let entry = try ClientConfiguration.read(Array(text.canonicalText.utf8), .servers).entries[0]
        return (entry, try #require(entry.command))
    }

    private func choice(_ name: String, _ members: KeyValuePairs<String, JSONValue>, _ wishes: SealChoice.Wishes = .init()) throws
        -> SealChoice
    {
        let (entry, command) = try entry(name, members)
        return SealChoice(entry, command, wishes)
    }

    @Test func `a known server has its policy, the name that it rules by, and its directories`() throws {
        let choice = try choice(
            "my files", ["command": .string("npx"), "args": .strings(["-y", "@modelcontextprotocol/server-filesystem", "/a", "/b"])])
        #expect(choice.seal.policy == "mcp-filesystem" && choice.seal.name == "filesystem")
        #expect(choice.seal.workspace == "/a" && choice.seal.allowed == ["filesystem:host:/b=read,write,delete"])
        #expect(choice.notes.contains { $0.contains("no network") })
    }

    @Test func `another policy does not rule by that name`() throws {
        let choice = try choice("my git", ["command": .string("mcp-server-git")], .init(policy: "shell", workspace: "/w", allowed: ["x=y"]))
        #expect(choice.seal.policy == "shell" && choice.seal.name == "my_git")
        #expect(choice.seal.workspace == "/w" && choice.seal.allowed == ["x=y"])
    }

    @Test func `another server gets the policy for a workspace, and its directory`() throws {
        let choice = try choice("é:x", ["command": .string("serve"), "cwd": .string("/w"), "env": .object(["A": .string("1")])])
        #expect(choice.seal.policy == "workspace" && choice.seal.name == "__x")
        #expect(choice.seal.workspace == "/w" && choice.seal.environment == ["A"])
    }

    @Test func `a Python environment is shown to its server, and the Python that made it`() throws {
        let scratch = try ScratchDirectory("venv")
        for directory in ["venv/bin", "python/bin"] { try scratch.directory(directory) }
        try scratch.file("venv/pyvenv.cfg")
        try scratch.file("venv/bin/server", mode: 0o755)
        try scratch.file("python/bin/python3", mode: 0o755)
        try scratch.link("venv/bin/python", to: "../../python/bin/python3")
        try scratch.link("server", to: "venv/bin/server")
        for program in ["venv/bin/server", "server"] {
            let found = SealChoice.runtime(of: scratch.path + "/" + program)
            #expect(found.count == 2 && found[0].hasSuffix("/venv=read,execute") && found[1].hasSuffix("/python=read,execute"), "\(found)")
        }
        #expect(SealChoice.runtime(of: "/usr/bin/env") == [])
        #expect(SealChoice.runtime(of: "./server") == [])
    }

    @Test func `an entry that turns Glovebox round is not sealed`() throws {
        let members: KeyValuePairs<String, JSONValue> = [
            "command": .string("glovebox"), "args": .strings(["mcp", "run", "--", "x"]), "env": .object(["PATH": .string("/tmp")]),
        ]
        let place = KnownClient.Place(client: .cursor, path: "/f", layout: .servers, root: "/")
        let standing = ServerStanding(try entry("a", members).0, at: place, ownPrograms: [])
        #expect(standing.state == .unsealed && standing.isExposed && standing.note?.contains("PATH") == true)
    }

    @Test func `each client's files are known`() {
        func paths(_ client: KnownClient, _ environment: [String: String] = [:]) -> [String] {
            client.places(home: "/h", workspace: "/w") { environment[$0] }.map(\.path)
        }
        #expect(paths(.claudeDesktop) == ["/h/.config/Claude/claude_desktop_config.json"])
        #expect(paths(.claudeCode) == ["/h/.claude.json", "/w/.mcp.json"])
        #expect(paths(.cursor) == ["/h/.cursor/mcp.json", "/w/.cursor/mcp.json"])
        #expect(paths(.vscode).first == "/h/.config/Code/User/mcp.json" && paths(.vscode).last == "/w/.vscode/mcp.json")
        #expect(paths(.codex, ["CODEX_HOME": "/c"]) == ["/c/config.toml", "/w/.codex/config.toml"])
        #expect(paths(.copilot, ["COPILOT_HOME": "/c"]) == ["/c/mcp-config.json"])
    }
}
