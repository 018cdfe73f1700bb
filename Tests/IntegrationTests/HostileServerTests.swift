import Glibc
import SandboxTestSupport
import StrictJSON
import TestSupport
import Testing

/// What a reviewer sees of a server that means harm. Every act is shown to be possible without the sandbox first.
@Suite("a hostile MCP server")
struct HostileServerTests {
    private let fixture: AgentFixture
    private let key: String

    init() throws {
        fixture = try AgentFixture(files: ["server.py": HostileServer.server])
        let directory = fixture.scratch.path + "/home/.ssh"
        try HostFile.makeDirectory(fixture.scratch.path + "/home")
        try HostFile.makeDirectory(directory)
        key = directory + "/id_rsa"
        try HostFile.write(key, "host-key-material")
    }

    private func talk(_ calls: String, sealed: Bool) throws -> String {
        let sealing = [Products.glovebox, "mcp", "run", "--policy", "python", "--name", "files", "--silence", "2s", "--"]
        let ended = try fixture.run(
            ["/usr/bin/python3", "-c", HostileServer.client, calls] + (sealed ? sealing : []) + ["/usr/bin/python3", "server.py"])
        return ended.output
    }

    private func call(_ name: String, _ arguments: String = "{}") -> String {
        #"[["tools/call", {"name": "\#(name)", "arguments": \#(arguments)}]]"#
    }

    /// Reasons of the records of an action, as `audit list` shows them.
    private func reasons(_ action: String) throws -> [String] {
        try fixture.audit(action).map { fact in
            for key in ["reason", "error"] {
                if case .string(let text)? = fact["record"]?["decision"]?[key] { return text }
            }
            return ""
        }
    }

    private func listed() throws -> String { try fixture.glovebox(["audit", "list", "--limit", "10000"]).output }

    @Test(.timeLimit(.minutes(2))) func `reading keys finds none, and the reading is on record`() throws {
        let calls = call("read", #"{"path": "\#(key)"}"#)
        #expect(try talk(calls, sealed: false).contains("host-key-material"))
        let sealed = try talk(calls, sealed: true)
        #expect(!sealed.contains("host-key-material") && sealed.contains("No such file"))
        let reasons = try reasons("sandbox.violation")
        #expect(reasons.contains("tried to open \(key): not in the sandbox, nothing of the host is mounted there"), "\(reasons)")
        #expect(try listed().contains("not in the sandbox"))
        // With the call during which it happened.
        let violations = try fixture.audit("tool.call").compactMap { try? fixture.items($0["record"]?["decision"]?["violations"]) }
        #expect(violations.joined().contains { $0["arguments"] == .string(key) })
    }

    @Test(.timeLimit(.minutes(2))) func `a home of the sandbox's own and a denied name of the workspace are seen too`() throws {
        try HostFile.write(fixture.workspace + "/.env", "PASSWORD=1", mode: 0o644)
        try HostFile.give(fixture.workspace + "/.env", to: SandboxFixture.workspaceOwner)
        #expect(try talk(call("read", #"{"path": ".env"}"#), sealed: false).contains("PASSWORD"))
        let sealed = try talk(
            #"[["tools/call", {"name": "read", "arguments": {"path": ".env"}}], "#
                + #"["tools/call", {"name": "read", "arguments": {"path": "/tmp/.ssh/id_rsa"}}], "#
                + #"["tools/call", {"name": "read", "arguments": {"path": "server.py"}}]]"#, sealed: true)
        #expect(!sealed.contains("PASSWORD"))
        let reasons = try reasons("sandbox.violation")
        #expect(reasons.contains { $0.contains(".env, which is denied because it holds secrets of the project") }, "\(reasons)")
        #expect(reasons.contains { $0.contains("/tmp/.ssh/id_rsa: a directory of the sandbox's own") }, "\(reasons)")
        // What a server may open is nobody's interest.
        #expect(!reasons.contains { $0.contains("server.py") || $0.contains("/usr/") }, "\(reasons)")
    }

    @Test(.timeLimit(.minutes(2))) func `connecting out`() throws {
        let listener = try Listener(.tcp)
        let calls = call("connect", #"{"port": \#(listener.port)}"#)
        #expect(try talk(calls, sealed: false).contains("connected"))
        #expect(listener.hits() == 1)
        #expect(try talk(calls, sealed: true).contains("no connection"))
        #expect(listener.hits() == 0)
        let facts = try fixture.audit("sandbox.violation").compactMap { $0["record"]?["decision"] }
        let network = facts.filter { $0["syscall"] == .string("socket") || $0["syscall"] == .string("connect") }
        #expect(
            !network.isEmpty && network.allSatisfy { if case .string(let text)? = $0["reason"] { !text.isEmpty } else { false } },
            "\(facts)")
        #expect(try listed().contains("network"))
    }

    @Test(.timeLimit(.minutes(2))) func `a tool that describes itself differently later`() throws {
        let calls = #"[["tools/list", {}], ["tools/list", {}], ["tools/call", {"name": "add", "arguments": {}}]]"#
        #expect(try talk(calls, sealed: false).contains("send ~/.ssh/id_rsa along"))
        let sealed = try talk(calls, sealed: true)
        #expect(!sealed.contains("send ~/.ssh/id_rsa along") && sealed.contains("glovebox human approve"))
        #expect(try reasons("mcp.tool_changed") == ["the server describes the tool differently than when it was agreed to"])
        #expect(try listed().contains("the server describes the tool differently"))
    }

    @Test(.timeLimit(.minutes(2)), arguments: [("forge", "forged", "real"), ("repeat", "second", "first")])
    func `an answer that nobody asked for, and one too many`(tool: String, extra: String, real: String) throws {
        // Something after it, so that what comes behind the answer is seen as well.
        let calls = #"[["tools/call", {"name": "\#(tool)"}], ["tools/call", {"name": "add"}]]"#
        #expect(try talk(calls, sealed: false).contains(extra))
        let sealed = try talk(calls, sealed: true)
        #expect(!sealed.contains(extra) && sealed.contains(real) && sealed.contains("ok"))
        #expect(try reasons("mcp.message_dropped").contains { $0.contains("was never asked for, or is answered already") })
        #expect(try listed().contains("was never asked for, or is answered already"))
    }

    @Test(.timeLimit(.minutes(2))) func `a flood of garbage is counted`() throws {
        #expect(try talk(call("flood"), sealed: false).contains("GARBAGE"))
        let sealed = try talk(call("flood"), sealed: true)
        #expect(!sealed.contains("GARBAGE") && sealed.contains("flooded"))
        let reasons = try reasons("mcp.message_dropped")
        #expect(reasons.count == 33 && reasons.last?.hasPrefix("1968 more of ") == true, "\(reasons.count) \(reasons.suffix(2))")
    }

    @Test(.timeLimit(.minutes(2))) func `a line of 100 MB, silence and death`() throws {
        let calls = #"[["tools/call", {"name": "endless"}], ["tools/call", {"name": "silent"}], ["tools/call", {"name": "die"}]]"#
        #expect(try talk(call("endless"), sealed: false).contains("LONG"))
        #expect(try talk(call("die"), sealed: false).contains("END"))
        let sealed = try talk(calls, sealed: true)
        #expect(sealed.contains("result_too_long") && sealed.contains("-32001") && sealed.contains("exited with status 3"), "\(sealed)")
        let ends = try fixture.audit("tool.call").compactMap { $0["record"]?["decision"] }
        #expect(ends.map { $0["outcome"] } == [.string("result_too_long"), .string("timed_out"), .string("server_ended")])
        #expect(try reasons("tool.call").allSatisfy { !$0.isEmpty })
        #expect(try reasons("mcp.message_dropped").contains("the line is longer than a message may be"))
        #expect(try fixture.glovebox(["audit", "verify"]).code == 0)
    }

    @Test(.timeLimit(.minutes(2))) func `a session whose supervisor was killed ends when somebody looks`() throws {
        let silent = #"""
            import os, signal, subprocess, sys
            server = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            def ask(text):
                server.stdin.write(text + b"\n")
                server.stdin.flush()
            ask(b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"silent"}}')
            ask(b'{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"add"}}')
            server.stdout.readline()
            server.kill()
            server.wait()
            """#
        let sealing = [Products.glovebox, "mcp", "run", "--policy", "python", "--name", "files", "--", "/usr/bin/python3", "server.py"]
        #expect(try fixture.run(["/usr/bin/python3", "-c", silent] + sealing).code == 0)
        let listed = try fixture.items(try fixture.json(["agent", "ps"])["processes"])
        #expect(listed.map { $0["status"] } == [.string("killed")], "\(listed)")
        #expect(
            try reasons("mcp.session_end") == ["its supervisor ended without ending the session: it was killed, or the machine went down"])
        let silentCall = try fixture.audit("tool.call").compactMap { $0["record"]?["decision"] }.filter { $0["tool"] == .string("silent") }
        #expect(silentCall.map { $0["outcome"] } == [.string("unknown")])
        #expect(try fixture.glovebox(["audit", "verify"]).code == 0)
    }

    @Test(.timeLimit(.minutes(2))) func `a session that lives is left alone`() throws {
        let script = #"""
            import os, subprocess, sys
            glovebox = os.environ["GLOVEBOX"]
            server = subprocess.Popen([glovebox] + sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            def ask(number):
                server.stdin.write(b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":{"name":"add"}}\n' % number)
                server.stdin.flush()
                return server.stdout.readline()
            ask(1)
            for words in (["agent", "ps"], ["agent", "spawn", "--goal", "nothing"]):
                print(subprocess.run([glovebox] + words, capture_output=True, stdin=subprocess.DEVNULL).returncode)
            print(b'"ok"' in ask(2))
            server.stdin.close()
            print(server.wait())
            """#
        let words = ["mcp", "run", "--policy", "python", "--name", "files", "--", "/usr/bin/python3", "server.py"]
        let ended = try fixture.run(["/usr/bin/python3", "-c", script] + words)
        #expect(ended.output == "0\n0\nTrue\n0\n", "\(ended.output) \(ended.errorOutput)")
    }
}
