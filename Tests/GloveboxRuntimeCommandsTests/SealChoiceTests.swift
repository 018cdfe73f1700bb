import ArgumentParser
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
        return try SealChoice(entry, command, wishes)
    }

    @Test func `a known server has its policy, the name that it rules by, and its directories`() throws {
        let choice = try choice(
            "my files", ["command": .string("npx"), "args": .strings(["-y", "@modelcontextprotocol/server-filesystem", "/a", "/a/b"])])
        #expect(choice.seal.policy == "mcp-filesystem" && choice.seal.name == "filesystem")
        #expect(choice.seal.workspace == "/a" && choice.seal.allowed == [])
        #expect(choice.notes.contains { $0.contains("no network") })
    }

    private func files(_ directories: [String], _ wishes: SealChoice.Wishes = .init()) throws -> SealChoice {
        try choice("f", ["command": .string("mcp-server-filesystem"), "args": .strings(directories)], wishes)
    }

    @Test(arguments: ["/", "/etc", "/etc/.", "/nowhere/../home", "/home/somebody", "/proc/1"])
    func `what no workspace may be is given to no server, first or later or as its directory`(_ directory: String) throws {
        #expect(throws: EntryRefusal.self) { try files([directory]) }
        let later = SealChoice.Wishes(allowed: ["filesystem:host:\(directory)=read,write,delete"])
        #expect(throws: EntryRefusal.self) { try files(["/srv/a", directory], later) }
        #expect(throws: EntryRefusal.self) { try choice("x", ["command": .string("y"), "cwd": .string(directory)]) }
    }

    @Test func `a second directory stands open only where a person says so`() throws {
        let error = try #require(throws: EntryRefusal.self) { try files(["/srv/a", "/srv/b"]) }
        #expect(error.reason.contains("--allow filesystem:host:/srv/b=read,write,delete"))
        #expect(
            try files(["/srv/a", "/srv/b"], .init(allowed: ["filesystem:host:/srv/b=read"])).seal.allowed == ["filesystem:host:/srv/b=read"]
        )
    }

    @Test func `changes in what no workspace may be are warned of`() {
        func warning(_ text: String) -> String? { HostDirectory.warning(ofAllow: text, home: "/srv/people/me") }
        for text in ["/=write", "/*=read,delete", "/etc=write", "/srv/people=write", "/srv/people/me/=delete", "/home/somebody"] {
            #expect(warning("filesystem:host:\(text)") != nil, "\(text)")
        }
        for text in [
            "filesystem:host:/etc=read", "filesystem:host:/srv/people/me/x=write", "filesystem:workspace:x=write", "network:*=connect",
        ] {
            #expect(warning(text) == nil, "\(text)")
        }
    }

    @Test func `a name is no option`() throws {
        #expect(try choice("--help", ["command": .string("y")]).seal.name == "server")
        #expect(throws: (any Error).self) { try MCPRunCommand.parse(["--name=--help", "--", "x"]) }
    }

    private func standing(_ members: KeyValuePairs<String, JSONValue>) throws -> ServerStanding {
        let place = KnownClient.Place(client: .cursor, path: "/f", layout: .servers, root: "/", workspace: "/srv/project")
        return ServerStanding(try entry("a", members).0, at: place, ownPrograms: [])
    }

    private func standing(words: [String]) throws -> ServerStanding {
        try standing(["command": .string("glovebox"), "args": .strings(["mcp"] + words)])
    }

    @Test func `what certainly runs in a sandbox is sealed, with all that is opened`() throws {
        let sealed = try standing(words: ["run", "--policy", "mcp-git", "--allow", "network:*=connect", "--", "x", "--help", "--"])
        #expect(sealed.state == .sealed && sealed.policy == "mcp-git" && sealed.allowed == ["network:*=connect"])
        #expect(try standing(words: ["run", "--policy=/srv/policies/x.yaml", "--", "x"]).state == .sealed)
        #expect(try standing(words: ["run", "--", "x"]).policy == "workspace")
        let own = try standing(words: ["serve", "--policy", "shell", "--allow", "network:*=connect"])
        #expect(own.state == .own && own.policy == "shell" && own.allowed == ["network:*=connect"])
    }

    @Test(arguments: [
        ["run", "--version", "--", "x"], ["run", "--help", "--", "x"], ["run", "-h", "--", "x"], ["run", "--name", "--", "--", "x"],
        ["run", "--nosuch", "--", "x"], ["run", "y", "--", "x"], ["run", "--policy", "--", "x"],
        ["run", "--policy", "./p.yaml", "--", "x"],
        ["run", "--policy", "p.yaml", "--", "x"], ["run", "--policy", "/srv/project/p.yaml", "--", "x"],
        ["run", "--policy", "${input:p}", "--", "x"], ["run", "--policy", "/w/p.yaml", "--workspace", "/w", "--", "x"],
        ["serve", "--policy", "./p.yaml"], ["serve", "--help"], ["serve", "--policy", "/srv/project/x/p.yaml"],
        ["run", "--allow", "filesystem:host:/=write", "--", "x"], ["serve", "--allow", "filesystem:host:/etc=delete"],
    ])
    func `words that may seal nothing are unclear`(_ words: [String]) throws {
        let standing = try standing(words: words)
        #expect(standing.state == .unclear && standing.note != nil)
    }

    @Test func `a sealed entry whose start cannot be told is unclear`() throws {
        let args = JSONValue.strings(["mcp", "run", "--", "x"])
        func state(_ key: String, _ value: JSONValue, _ args: JSONValue) throws -> ServerStanding.State {
            try standing(["command": .string("glovebox"), "args": args, key: value]).state
        }
        #expect(try state("type", .string("stdio"), args) == .sealed)
        #expect(try state("envFile", .string(".env"), args) == .unclear)
        #expect(try state("env", .strings(["PATH=/e"]), args) == .unclear)
        #expect(
            try state("type", .string("stdio"), .array(["mcp", "run"].map { .string($0) } + [.int(7), .string("--"), .string("x")]))
                == .unclear)
        for name in ["HOME", "XDG_CONFIG_HOME", "SWIFT_BACKTRACE"] {
            #expect(try state("env", .object([name: .string("/e")]), args) == .unclear)
        }
        #expect(try state("disabled", .bool(true), .strings(["x"])) == .unsealed)
        #expect(try standing(["command": .string("x"), "disabled": .bool(true)]).isExposed)
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
        let standing = try standing(members)
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
