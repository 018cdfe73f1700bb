import Glibc
import LinuxPrimitives
import SandboxTestSupport
import StrictJSON
import TestSupport
import Testing

/// `glovebox mcp scan`, `wrap` and `unwrap` on configurations of clients, and `glovebox hook`, as they are typed.
@Suite("Configurations of clients, from the shell")
struct MCPClientsCommandTests {
    private static let cursor = """
        {
          // mine
          "mcpServers": {
            "git": {"command": "uvx", "args": ["mcp-server-git", "--repository", "/srv/project"], "env": {"TOKEN": "s3cret"}},
            "far": {"url": "https://example.org/mcp"}
          }
        }

        """
    private static let codex = "model = 'x'\r\n[mcp_servers.notes]\r\ncommand = \"notes\" # here\r\n"

    private func fixture() throws -> (AgentFixture, cursor: String, codex: String) {
        let fixture = try AgentFixture()
        for directory in ["home", "home/.cursor", "home/.codex"] { try fixture.scratch.directory(directory) }
        return (
            fixture, try fixture.scratch.file("home/.cursor/mcp.json", Self.cursor, mode: 0o640),
            try fixture.scratch.file("home/.codex/config.toml", Self.codex)
        )
    }

    private func states(_ fixture: AgentFixture) throws -> [String] {
        try fixture.items(try fixture.json(["mcp", "scan"])["servers"]).map { server in
            guard case .string(let name)? = server["name"], case .string(let state)? = server["state"] else { throw AgentFixture.Missing() }
            return "\(name) \(state)"
        }
    }

    @Test func `what is wrapped is sealed, and unwrapped is as it was`() throws {
        let (fixture, cursor, codex) = try fixture()
        #expect(try states(fixture) == ["git unsealed", "far remote", "notes unsealed"])
        #expect(try fixture.glovebox(["mcp", "scan", "--check"]).code == 1)
        let trial = try fixture.glovebox(["mcp", "wrap", "--all", "--dry-run"])
        #expect(trial.code == 0 && trial.output.contains("+command = \""), "\(trial.errorOutput)")
        #expect(try HostFile.text(cursor) == Self.cursor)
        // Nobody to ask.
        #expect(try fixture.run(["/usr/bin/setsid", "--wait", Products.glovebox, "mcp", "wrap", "git"]).code == 125)
        let done = try fixture.glovebox(["mcp", "wrap", "--all", "--yes"])
        #expect(done.code == 0, "\(done.output)\(done.errorOutput)")
        #expect(try states(fixture) == ["git sealed", "far remote", "notes sealed"])
        #expect(try fixture.glovebox(["mcp", "scan", "--check"]).code == 0)
        let text = try HostFile.text(cursor)
        #expect(
            text.contains(#""--policy", "mcp-git", "--name", "git", "--workspace", "/srv/project""#)
                && text.contains(#""--env", "TOKEN", "--", "uvx", "mcp-server-git""#), "\(text)")
        #expect(text.contains("// mine"))
        #expect(try HostFile.identity(cursor).mode & 0o7777 == 0o640)
        #expect(try HostFile.identity(cursor + ".before-glovebox").mode & 0o7777 == 0o600)
        #expect(try HostFile.text(cursor + ".before-glovebox") == Self.cursor)
        #expect(try fixture.glovebox(["mcp", "wrap", "git", "--yes"]).code == 1)
        let back = try fixture.glovebox(["mcp", "unwrap", "--all", "--yes"])
        #expect(back.code == 0, "\(back.errorOutput)")
        #expect(try HostFile.text(cursor) == Self.cursor)
        #expect(try HostFile.text(codex) == Self.codex)
        #expect(HostFile.exists(cursor + ".before-glovebox.1"))
    }

    @Test func `a link within the home is followed, and one that leads out is not`() throws {
        let (fixture, cursor, codex) = try fixture()
        let kept = try fixture.scratch.file("home/kept.json", Self.cursor)
        unlink(cursor)
        try fixture.scratch.link("home/.cursor/mcp.json", to: "../kept.json")
        let outside = try fixture.scratch.file("outside.toml", Self.codex)
        unlink(codex)
        try fixture.scratch.link("home/.codex/config.toml", to: "../../outside.toml")
        let done = try fixture.glovebox(["mcp", "wrap", "--all", "--yes"])
        #expect(done.code == 1 && done.errorOutput.contains("outside of"), "\(done.errorOutput)")
        #expect(try HostFile.text(kept) != Self.cursor)
        #expect(HostFile.linkTarget(cursor) == "../kept.json")
        #expect(try HostFile.text(outside) == Self.codex)
    }

    @Test func `what cannot be read is said with its place`() throws {
        let (fixture, cursor, _) = try fixture()
        try HostFile.write(cursor, "{\n  \"mcpServers\": {,}\n}")
        let scan = try fixture.glovebox(["mcp", "scan", "--check"])
        #expect(scan.code == 1 && scan.errorOutput.contains("mcp.json:2:18: "), "\(scan.errorOutput)")
        #expect(try fixture.glovebox(["mcp", "wrap", "--all", "--yes"]).code == 1)
        #expect(try fixture.glovebox(["mcp", "wrap", "nobody", "--yes", "--client", "codex"]).code == 125)
    }

    @Test func `a variable is passed on by its name`() throws {
        let fixture = try AgentFixture(files: [
            "server.py": "import os\nprint(os.environ.get('TOKEN'), os.environ.get('OTHER'), file=open('seen', 'w'))\n"
        ])
        let ended = try fixture.run([
            "/usr/bin/env", "TOKEN=s3cret", "/bin/sh", "-c",
            "exec \"$GLOVEBOX\" mcp run --policy python --env TOKEN --env OTHER -- /usr/bin/python3 server.py",
        ])
        #expect(ended.errorOutput.contains("OTHER is not set here"), "\(ended.errorOutput)")
        #expect(try fixture.text("seen") == "s3cret None\n")
        #expect(try fixture.glovebox(["mcp", "run", "--env", "A B", "--", "x"]).code == 64)
    }

    // MARK: - Hooks

    private func hook(_ fixture: AgentFixture, _ input: String, _ options: String = "") throws -> BareProcess.Ended {
        let file = try fixture.scratch.file("input.json", input)
        return try fixture.run(["/bin/sh", "-c", "exec \"$GLOVEBOX\" hook claude-code \(options) < '\(file)'"])
    }

    private func request(_ fixture: AgentFixture, _ path: String) -> String {
        JSONValue.object([
            "session_id": .string("s"), "hook_event_name": .string("PreToolUse"), "cwd": .string(fixture.workspace),
            "tool_name": .string("Read"), "tool_input": .object(["file_path": .string(path)]),
        ]).canonicalText
    }

    @Test func `a hook answers, and records where it is told to`() throws {
        let fixture = try AgentFixture(files: ["a": "x", ".env": "x"])
        func decision(_ path: String, _ options: String = "") throws -> JSONValue? {
            let ended = try hook(fixture, request(fixture, path), options)
            #expect(ended.code == 0, "\(ended.errorOutput)")
            return try fixture.parse(ended.output)["hookSpecificOutput"]?["permissionDecision"]
        }
        #expect(try decision("a") == .string("allow"))
        #expect(!HostFile.exists(fixture.scratch.path + "/state"))
        #expect(try decision(".env", "--record") == .string("deny"))
        let records = try fixture.audit("hook.decision")
        #expect(records.map { $0["record"]?["decision"]?["policy_decision"] } == [.string("deny")])
        // A record that cannot be written is a no.
        #expect(try hook(fixture, request(fixture, "a"), "--store \(fixture.workspace)/x").code == 2)
    }

    @Test(arguments: ["--policy nosuch", "--polcy workspace", "--unnamed allow", "more words"])
    func `a hook that cannot decide refuses`(_ options: String) throws {
        let fixture = try AgentFixture(files: ["a": "x"])
        let ended = try hook(fixture, request(fixture, "a"), options)
        #expect(ended.code == 2 && ended.output.isEmpty && !ended.errorOutput.isEmpty)
    }

    @Test func `a hook without a request refuses, and prints settings that refuse`() throws {
        let fixture = try AgentFixture()
        #expect(try hook(fixture, "{").code == 2)
        #expect(try fixture.glovebox(["hook", "claud-code"]).code == 2)
        #expect(try fixture.glovebox(["hook"]).code == 2)
        let printed = try fixture.glovebox(["hook", "claude-code", "--policy", "read-only", "--print-config"])
        let settings = try fixture.parse(printed.output)
        guard case .array(let entries)? = settings["hooks"]?["PreToolUse"], case .array(let hooks)? = entries.first?["hooks"] else {
            throw AgentFixture.Missing()
        }
        #expect(entries.first?["matcher"] == .string("*"), "also tools that are still to come")
        #expect(hooks.first?["command"] == .string("glovebox hook claude-code --policy read-only || exit 2"))
        #expect(try fixture.glovebox(["hook", "--help"]).code == 0)
    }
}
