import SandboxTestSupport
import StrictJSON
import TestSupport
import Testing

/// Tools served to an MCP client: a client in another program, a person in a third, nothing between them but pipes and the store.
@Suite("glovebox mcp serve, from the shell")
struct MCPServeTests {
    /// Talks with the command after the script; prints what its script says.
    private static let client = """
        import json, os, subprocess, sys, time
        glovebox = os.environ["GLOVEBOX"]
        server = subprocess.Popen([glovebox] + sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        number = 0
        def say(method, id=None, **params):
            message = {"jsonrpc": "2.0", "method": method, "params": params}
            if id is not None: message["id"] = id
            server.stdin.write(json.dumps(message).encode() + b"\\n")
            server.stdin.flush()
        def ask(method, **params):
            global number
            number += 1
            say(method, number, **params)
            while True:
                answer = json.loads(server.stdout.readline())
                if answer.get("id") == number: return answer
        def call(name, **arguments):
            return ask("tools/call", name=name, arguments=arguments)["result"]["structuredContent"]
        def glove(words):
            done = subprocess.run([glovebox] + words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
            return done.returncode
        ask("initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo={"name": "c", "version": "1"})
        exec(sys.argv[1])
        server.stdin.close()
        print("exit", server.wait())
        """

    private func talk(_ fixture: AgentFixture, _ script: String, _ options: [String] = []) throws -> [String] {
        let ended = try fixture.run(["/usr/bin/python3", "-c", Self.client, script, "mcp", "serve"] + options)
        #expect(ended.code == 0, "\(ended.errorOutput)")
        return ended.output.split(separator: "\n").map(String.init)
    }

    @Test(.timeLimit(.minutes(2)))
    func `calls are sealed, decided and recorded`() throws {
        let fixture = try AgentFixture(files: ["a.txt": "hello\n", ".env": "SECRET=1\n"])
        try HostFile.write(fixture.scratch.path + "/outside", "outside\n", mode: 0o644)
        // Outside of a sandbox everybody can read it.
        #expect(try HostFile.text(fixture.scratch.path + "/outside") == "outside\n")
        let script = """
            print(call("read_text_file", path="a.txt")["result"]["text"].strip())
            print(call("run_shell_command", argv=["cat", "\(fixture.scratch.path)/outside"])["exit_code"] != 0)
            print(call("run_shell_command", argv=["sh", "-c", "cat .env; echo x > made"])["stdout"] == "")
            changed = call("write_text_file", path="b.txt", text="new")
            print(changed["ok"], [(change["path"], change["change"]) for change in changed["changes"]])
            denied = call("write_text_file", path=".env", text="x")
            print(denied["ok"], denied["denial"]["layer"], "guarded.yaml" in denied["denial"]["reason"])
            killed = call("run_shell_command", argv=["sh", "-c", "echo said; kill -9 $$"])
            print(killed["signal"], killed["exit_code"], killed["ok"])
            print(call("run_shell_command", argv=["sh", "-c", "exit 3"])["exit_code"])
            wrong = call("read_text_file", file="a.txt")
            print(wrong["ok"], wrong["denial"]["layer"])
            print(ask("tools/call", name="nothing")["error"]["code"])
            print(glove(["audit", "verify"]), changed["audit_id"].startswith("audit_"))
            """
        #expect(
            try talk(fixture, script) == [
                "hello", "True", "True", "True [('b.txt', 'written')]", "False policy True", "SIGKILL None False", "3", "False schema",
                "-32602", "0 True", "exit 0",
            ])
        #expect(try fixture.text("b.txt") == "new" && fixture.text(".env") == "SECRET=1\n")
        #expect((try? fixture.text("made")) == nil)
        #expect(try fixture.audit("mcp.session_start").count == 1 && fixture.audit("mcp.session_end").count == 1)
        let intents = try fixture.audit("external_effect.intent").count
        #expect(intents > 4)
        #expect(try fixture.glovebox(["audit", "verify"]).code == 0)
    }

    @Test(.timeLimit(.minutes(2)))
    func `a call that is asked about goes through once somebody has agreed, while another one runs`() throws {
        let fixture = try AgentFixture()
        let script = """
            # Under way while a person's command opens the store: it must not be taken for the rest of a crash.
            say("tools/call", "slow", name="run_shell_command", arguments={"argv": ["sleep", "60"]}, _meta={"progressToken": 1})
            assert json.loads(server.stdout.readline())["method"] == "notifications/progress"
            asked = call("write_text_file", path="a", text="x")
            words = asked["approval"]["command"].split()
            print(asked["ok"], words[:3] == ["glovebox", "human", "approve"])
            print(glove(words[1:] + ["--yes"]))
            print(call("write_text_file", path="b", text="x")["approval"] is not None)
            print(call("write_text_file", path="a", text="x")["ok"])
            again = call("write_text_file", path="a", text="x")
            print(again["ok"], again["approval"]["command"] != asked["approval"]["command"])
            print(glove(["human", "reject"] + again["approval"]["command"].split()[3:]))
            refused = call("write_text_file", path="a", text="x")
            print(refused["ok"], refused["denial"]["layer"])
            say("notifications/cancelled", requestId="slow")
            ask("ping")
            """
        #expect(
            try talk(fixture, script, ["--ask", "filesystem:workspace:*=write"]) == [
                "False True", "0", "True", "True", "False True", "0", "False human", "exit 0",
            ])
        #expect(try fixture.text("a") == "x")
        // The slow one was ended by its client and by nothing else.
        let ends = try fixture.audit("tool.call").filter {
            $0["record"]?["decision"]?["tool"] == .string("run_shell_command")
        }
        #expect(ends.count == 1 && ends[0]["record"]?["decision"]?["state"] == nil, "\(ends)")
        #expect(try fixture.items(try fixture.json(["human", "list"])["requests"]).isEmpty)
    }

    @Test(.timeLimit(.minutes(2)))
    func `the client's end ends what runs`() throws {
        let fixture = try AgentFixture()
        let script = """
            say("tools/call", "slow", name="run_shell_command", _meta={"progressToken": 1},
                arguments={"argv": ["sh", "-c", "touch started; sleep 600"], "write": ["."]})
            while not os.path.exists("started"): time.sleep(0.01)
            """
        #expect(try talk(fixture, script) == ["exit 0"])
        #expect(try fixture.audit("tool.call").count == 1)
        #expect(try fixture.glovebox(["audit", "verify"]).code == 0)
    }

    @Test(.timeLimit(.minutes(2)))
    func `the policy says which tools there are, and what they do`() throws {
        let fixture = try AgentFixture()
        let list = """
            tools = ask("tools/list")["result"]["tools"]
            print(" ".join(tool["name"] for tool in tools))
            for tool in tools:
                if tool["name"] == "run_shell_command": print(tool["annotations"]["readOnlyHint"], tool["annotations"]["openWorldHint"])
            """
        #expect(
            try talk(fixture, list, ["--policy", "read-only"]) == [
                "echo get_current_time parse_pytest_log read_directory read_text_file run_shell_command", "True False", "exit 0",
            ])
        #expect(
            try talk(fixture, list, ["--policy", "workspace"]) == [
                "delete_directory delete_file echo get_current_time parse_pytest_log read_directory read_text_file run_shell_command "
                    + "sleep write_directory write_text_file", "False False", "exit 0",
            ])
        #expect(
            try talk(fixture, list, ["--tools", "read_text_file,create_memory_object", "--tools", "echo"]) == [
                "create_memory_object echo read_text_file", "exit 0",
            ])
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            (["--tools", "read_txt_file"], 64, "did you mean `read_text_file`?"), (["--tools", "spawn_child_process"], 64, "about agents"),
            (["--tools", "write_text_file", "--policy", "read-only"], 64, "may make no call of `write_text_file`"),
            (["--tools", ","], 64, "--tools names no tool"), (["--policy", "no-such-policy"], 125, "no-such-policy"),
            (["--allow", "nothing"], 125, "nothing"),
        ] as [([String], Int32, String)])
    func `what cannot be served says why, and nothing of it to the client`(words: [String], code: Int32, message: String) throws {
        let fixture = try AgentFixture()
        let ended = try fixture.glovebox(["mcp", "serve"] + words)
        #expect(ended.code == code && ended.errorOutput.contains(message), "\(ended.code) \(ended.errorOutput)")
        #expect(ended.output.isEmpty)
    }
}
