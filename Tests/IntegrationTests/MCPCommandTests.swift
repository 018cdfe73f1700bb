import SandboxTestSupport
import StrictJSON
import TestSupport
import Testing

/// A wrapped MCP server from the command line: a client in another program, a person in a third, nothing between them but pipes and the
/// store.
@Suite("glovebox mcp, from the shell")
struct MCPCommandTests {
    /// Answers calls; from the second list on it describes `echo` differently when it is told to.
    private static let server = """
        import json, os, sys
        lists = 0
        for line in sys.stdin:
            message = json.loads(line)
            if "id" not in message: continue
            result = {}
            if message["method"] == "initialize":
                result = {"protocolVersion": message["params"]["protocolVersion"], "capabilities": {"tools": {}},
                          "serverInfo": {"name": "s", "version": "1"}}
            elif message["method"] == "tools/list":
                changed = os.path.exists("changed")
                result = {"tools": [{"name": name, "description": "x" + (" and more" if changed and name == "echo" else ""),
                          "inputSchema": {"type": "object"}} for name in ("echo", "write", "remove")]}
            elif message["method"] == "tools/call":
                result = {"content": [{"type": "text", "text": json.dumps(message["params"].get("arguments"))}], "isError": False}
                if message["params"]["name"] == "write": open("written", "a").write("x")
            print(json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": result}), flush=True)
        """

    /// Talks with the command after `--`: prints each answer's text, and approves what it is told to.
    private static let client = """
        import json, os, subprocess, sys
        glovebox = os.environ["GLOVEBOX"]
        server = subprocess.Popen([glovebox] + sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        number = 0
        def ask(method, **params):
            global number
            number += 1
            server.stdin.write(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode() + b"\\n")
            server.stdin.flush()
            answer = json.loads(server.stdout.readline())
            assert answer["id"] == number, answer
            return answer
        def call(name, **arguments):
            answer = ask("tools/call", name=name, arguments=arguments)
            decision = answer.get("result", {}).get("_meta", {}).get("glovebox/decision")
            print("call", name, decision["decision"] if decision else "done")
            return decision
        def approve(decision):
            words = decision["command"].split()
            assert words[0] == "glovebox", words
            done = subprocess.run([glovebox] + words[1:] + ["--yes"], stdin=subprocess.DEVNULL, capture_output=True, text=True)
            print("approved", done.returncode, done.stderr.strip())
        ask("initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo={"name": "c", "version": "1"})
        exec(sys.argv[1])
        server.stdin.close()
        print("exit", server.wait())
        """

    private func talk(_ fixture: AgentFixture, _ script: String, _ options: [String] = []) throws -> [String] {
        let ended = try fixture.run(
            ["/usr/bin/python3", "-c", Self.client, script, "mcp", "run", "--policy", "python", "--name", "files"] + options + [
                "--", "/usr/bin/python3", "server.py",
            ])
        #expect(ended.code == 0, "\(ended.errorOutput)")
        return ended.output.split(separator: "\n").map { String($0).trimmingSuffix() }
    }

    @Test(.timeLimit(.minutes(2)))
    func `a call that is asked about goes through once somebody has agreed, beside the running session`() throws {
        let fixture = try AgentFixture(files: ["server.py": Self.server])
        let script = """
            call("echo", a=1)
            call("remove")
            decision = call("write", path="a")
            approve(decision)
            call("write", path="b")
            call("write", path="a")
            call("write", path="a")
            """
        let lines = try talk(
            fixture, script, ["--allow", "mcp:files:*", "--ask", "mcp:files:write", "--deny", "mcp:files:remove"])
        #expect(
            lines == [
                "call echo done", "call remove deny", "call write ask", "approved 0", "call write ask", "call write done", "call write ask",
                "exit 0",
            ])
        #expect(try fixture.text("written") == "x")
        #expect(try fixture.audit("mcp.session_start").count == 1)
        #expect(try fixture.audit("external_effect.intent").count == 2)
        let calls = try fixture.audit("tool.call")
        #expect(calls.map { $0["record"]?["decision"]?["outcome"] } == [.string("completed"), nil, .string("completed")])
        #expect(try fixture.glovebox(["audit", "verify"]).code == 0)
        // What nobody answered is withdrawn with the session.
        #expect(try fixture.items(try fixture.json(["human", "list"])["requests"]).isEmpty)
        // And the session is no agent that could be run.
        #expect(try fixture.glovebox(["agent", "run", "--script", try fixture.script("- {action: process_exit}")]).code == 0)
    }

    @Test(.timeLimit(.minutes(2)))
    func `what a tool says of itself is remembered from session to session`() throws {
        let fixture = try AgentFixture(files: ["server.py": Self.server])
        let list = #"print("list", [tool["description"] for tool in ask("tools/list")["result"]["tools"]])"#
        #expect(try talk(fixture, list + "\ncall(\"echo\")") == ["list ['x', 'x', 'x']", "call echo done", "exit 0"])
        try HostFile.write(fixture.workspace + "/changed")
        try HostFile.give(fixture.workspace + "/changed", to: SandboxFixture.workspaceOwner)
        let script = """
            \(list)
            decision = call("echo")
            call("write")
            approve(decision)
            call("echo")
            \(list)
            """
        #expect(
            try talk(fixture, script) == [
                "list ['x', 'x', 'x']", "call echo ask", "call write done", "approved 0", "call echo done",
                "list ['x and more', 'x', 'x']", "exit 0",
            ])
        #expect(try talk(fixture, list) == ["list ['x and more', 'x', 'x']", "exit 0"])
        #expect(try fixture.audit("mcp.tool_changed").count == 1)
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            (["mcp", "run"], 64, "there is no server to run"),
            (["mcp", "run", "--name", "a b", "--", "true"], 64, "--name takes"),
            (["mcp", "run", "--name", "a", "--ask", "mcp:b:x", "--", "true"], 64, "mcp:b:x is no tool of this server"),
            (["mcp", "run", "--silence", "soon", "--", "true"], 64, "--silence"),
            (["mcp", "rnu"], 64, "did you mean `run`?"),
            (["mcp", "run", "--", "no-such-server"], 127, ""),
            (["mcp", "run", "--policy", "no-such-policy", "--", "true"], 125, "no-such-policy"),
        ] as [([String], Int32, String)])
    func `what cannot be run says why`(words: [String], code: Int32, message: String) throws {
        let fixture = try AgentFixture()
        let ended = try fixture.glovebox(words)
        #expect(ended.code == code && ended.errorOutput.contains(message), "\(ended.code) \(ended.errorOutput)")
        #expect(ended.output.isEmpty)
    }
}

extension String {
    fileprivate func trimmingSuffix() -> String {
        var text = self
        while text.hasSuffix(" ") { text.removeLast() }
        return text
    }
}
