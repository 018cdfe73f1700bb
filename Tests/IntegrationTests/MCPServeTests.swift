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
        #expect(
            ends.map { $0["record"]?["decision"]?["error"] } == [.string("the call was cancelled: its client cancelled it")], "\(ends)")
        #expect(try fixture.items(try fixture.json(["human", "list"])["requests"]).isEmpty)
    }

    @Test(.timeLimit(.minutes(2)))
    func `a no to one file is none to another whose name looks the same`() throws {
        let fixture = try AgentFixture()
        let script = """
            one = call("write_text_file", path="caf\\u00e9", text="x")["approval"]
            print(glove(["human", "reject"] + one["command"].split()[3:]))
            print(call("write_text_file", path="caf\\u00e9", text="x")["denial"]["layer"])
            print((call("write_text_file", path="cafe\\u0301", text="x")["approval"] or one)["request_id"] != one["request_id"])
            """
        #expect(try talk(fixture, script, ["--ask", "filesystem:workspace:*=write"]) == ["0", "human", "True", "exit 0"])
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
        let ends = try fixture.audit("tool.call").map { $0["record"]?["decision"]?["error"] }
        #expect(ends == [.string("the call was cancelled: its client has left")])
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
                "echo get_current_time parse_pytest_log read_directory read_text_file run_shell_command sleep", "True False", "exit 0",
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

/// The same over HTTP.
@Suite("glovebox mcp serve --http, from the shell")
struct MCPServeHTTPTests {
    private static let client = """
        import http.client, json, os, re, subprocess, sys, time
        server = subprocess.Popen([os.environ["GLOVEBOX"], "mcp", "serve", "--http", "127.0.0.1:0"], stderr=subprocess.PIPE, text=True)
        said = server.stderr.readline()
        port, file = re.search(r"127.0.0.1:(\\d+)/mcp; the token is in (\\S+)", said).groups()
        print(oct(os.stat(file).st_mode & 0o777), len(open(file).read().strip()))
        token = open(file).read().strip()
        VERSION = "2026-07-28"
        def post(method, params={}, headers={}, http_method="POST", progress=None):
            meta = {"io.modelcontextprotocol/protocolVersion": VERSION, "io.modelcontextprotocol/clientCapabilities": {}}
            if progress: meta["progressToken"] = progress
            body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": meta}})
            fields = {"Authorization": "Bearer " + token, "Content-Type": "application/json", "MCP-Protocol-Version": VERSION,
                      "Mcp-Method": method, "Accept": "application/json, text/event-stream"}
            if "name" in params: fields["Mcp-Name"] = params["name"]
            fields.update(headers)
            connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=60)
            connection.request(http_method, "/mcp", body, {name: value for name, value in fields.items() if value is not None})
            return connection.getresponse()
        def answer(response): return json.loads(response.read())
        def call(name, progress=None, **arguments):
            return post("tools/call", {"name": name, "arguments": arguments}, progress=progress)
        exec(sys.argv[1])
        server.terminate()
        print("exit", server.wait(), os.path.exists(file))
        """

    @Test(.timeLimit(.minutes(2)))
    func `clients that have the token call tools, and others do not`() throws {
        let fixture = try AgentFixture(files: ["a.txt": "hello\n"])
        let script = """
            found = post("server/discover")
            print(found.status, answer(found)["result"]["supportedVersions"])
            print(len(answer(post("tools/list"))["result"]["tools"]) > 5)
            print(answer(call("read_text_file", path="a.txt"))["result"]["structuredContent"]["result"]["text"].strip())
            for headers in [{"Authorization": None}, {"Authorization": "Bearer x"}, {"Host": "example.org"}, {"Origin": "http://example.org"}]:
                print(post("tools/list", headers=headers).status, end=" ")
            for method in ["GET", "DELETE"]: print(post("tools/list", http_method=method).status, end=" ")
            unknown, mismatch, version = post("nothing"), post("tools/list", headers={"Mcp-Method": "x"}), post(
                "tools/list", headers={"MCP-Protocol-Version": "2025-11-25"})
            print()
            print([(one.status, answer(one)["error"]["code"]) for one in (unknown, mismatch, version)])
            stream = call("run_shell_command", progress="t", argv=["sleep", "1.5"])
            print(stream.status, stream.headers["Content-Type"])
            events = [json.loads(line[6:]) for line in stream.read().decode().split("\\n") if line.startswith("data: ")]
            print([event.get("method") for event in events[:2]], events[-1]["result"]["structuredContent"]["exit_code"])
            """
        let ended = try fixture.run(["/usr/bin/python3", "-c", Self.client, script])
        #expect(ended.code == 0, "\(ended.errorOutput)")
        #expect(
            ended.output.split(separator: "\n").map(String.init) == [
                "0o600 64", "200 ['2026-07-28']", "True", "hello", "401 401 403 403 405 405 ",
                "[(404, -32601), (400, -32020), (400, -32022)]",
                "200 text/event-stream", "['notifications/progress', 'notifications/progress'] 0", "exit 143 False",
            ])
    }

    @Test(.timeLimit(.minutes(2)))
    func `closing the answer's stream ends the call with its whole tree`() throws {
        let fixture = try AgentFixture()
        let script = """
            stream = call("run_shell_command", progress=1, argv=["sleep", "25"])
            stream.readline()
            stream.close()
            def ends():
                done = subprocess.run([os.environ["GLOVEBOX"], "audit", "list", "--json", "--action", "tool.call"],
                                      capture_output=True, text=True, check=True)
                return json.loads(done.stdout)["records"]
            while not ends(): pass
            decision = ends()[0]["record"]["decision"]
            print(decision["ok"], decision["error"])
            running = call("run_shell_command", progress=2, argv=["sleep", "25"])
            running.readline()
            server.terminate()
            server.wait()
            print(ends()[-1]["record"]["decision"]["error"])
            """
        let ended = try fixture.run(["/usr/bin/python3", "-c", Self.client, script])
        #expect(ended.code == 0, "\(ended.errorOutput)")
        #expect(
            ended.output.split(separator: "\n").map(String.init).dropFirst() == [
                "False the call was cancelled: its client has left", "the call was cancelled: the server was interrupted",
                "exit 143 False",
            ])
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            (["--http", "0.0.0.0:80"], "--http takes an address of this host alone"),
            (["--token-file", "x"], "--token-file is for --http"),
        ])
    func `what cannot be served at says why`(words: [String], message: String) throws {
        let fixture = try AgentFixture()
        let ended = try fixture.glovebox(["mcp", "serve"] + words)
        #expect(ended.code == 64 && ended.errorOutput.contains(message), "\(ended.code) \(ended.errorOutput)")
    }

    @Test(.timeLimit(.minutes(1)))
    func `connections that say nothing keep nobody out`() throws {
        let fixture = try AgentFixture()
        let script = """
            import socket
            silent = []
            for number in range(64):
                silent.append(socket.create_connection(("127.0.0.1", int(port))))
                silent[-1].sendall(b"POST")
            print(post("server/discover").status)
            """
        let ended = try fixture.run(["/usr/bin/python3", "-c", Self.client, script])
        #expect(ended.code == 0, "\(ended.errorOutput)")
        #expect(ended.output.split(separator: "\n").map(String.init).dropFirst() == ["200", "exit 143 False"])
    }

    @Test(.timeLimit(.minutes(1)))
    func `the token is not kept where tools could read it`() throws {
        let fixture = try AgentFixture(files: ["given": String(repeating: "a", count: 64)])
        for name in ["made", "given"] {
            let ended = try fixture.glovebox(["mcp", "serve", "--http", "127.0.0.1:0", "--token-file", name])
            #expect(ended.code == 125 && ended.errorOutput.contains("the token file"), "\(ended.code) \(ended.errorOutput)")
        }
        #expect((try? fixture.text("made")) == nil)
    }
}
