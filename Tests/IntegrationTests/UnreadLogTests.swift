import SandboxTestSupport
import TestSupport
import Testing

/// Clients that start a server with a pipe for its standard error and never read it. Its answers must come all the same, and its end.
@Suite("standard error that nobody reads")
struct UnreadLogTests {
    /// Words: how it ends the server, the call as JSON, then the command.
    private static let client = #"""
        import json, os, subprocess, sys
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        try:
            while True: os.write(writing, b"x" * 512)
        except BlockingIOError: pass
        os.set_blocking(writing, True)
        server = subprocess.Popen([os.environ["GLOVEBOX"]] + sys.argv[3:], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=writing)
        os.close(writing)
        def ask(number, method, **params):
            server.stdin.write(json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode() + b"\n")
            server.stdin.flush()
            return server.stdout.readline().decode()
        ask(0, "initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo={"name": "c", "version": "1"})
        for number, call in enumerate(json.loads(sys.argv[2])):
            answer = ask(number + 1, "tools/call", **call)
            print("human approve" if "human approve" in answer else "logged" if "logged" in answer else answer)
        print(json.loads(ask(99, "tools/list"))["id"])
        server.stdin.close() if sys.argv[1] == "close" else server.terminate()
        print(server.wait())
        """#

    @Test(.timeLimit(.minutes(2)), arguments: [("close", "0"), ("terminate", "143")])
    func `mcp run answers and ends`(_ end: String, _ code: String) throws {
        let fixture = try AgentFixture(files: ["server.py": HostileServer.server])
        let calls = #"[{"name": "add", "arguments": {}}, {"name": "log", "arguments": {}}, {"name": "add", "arguments": {}}]"#
        let ended = try fixture.run([
            "/usr/bin/python3", "-c", Self.client, end, calls, "mcp", "run", "--policy", "python", "--name", "files", "--ask",
            "mcp:files:add", "--", "/usr/bin/python3", "server.py",
        ])
        #expect(ended.output == "human approve\nlogged\nhuman approve\n99\n\(code)\n", "\(ended.output) \(ended.errorOutput)")
    }

    @Test(.timeLimit(.minutes(2)), arguments: [("close", "0"), ("terminate", "143")])
    func `mcp serve answers and ends`(_ end: String, _ code: String) throws {
        let fixture = try AgentFixture()
        let calls = #"[{"name": "write_text_file", "arguments": {"path": "a", "text": "x"}}]"#
        let ended = try fixture.run([
            "/usr/bin/python3", "-c", Self.client, end, calls, "mcp", "serve", "--ask", "filesystem:workspace:*=write",
        ])
        #expect(ended.output == "human approve\n99\n\(code)\n", "\(ended.output) \(ended.errorOutput)")
    }
}
