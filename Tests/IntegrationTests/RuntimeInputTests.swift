import Glibc
import SandboxTestSupport
import StrictJSON
import TestSupport
import Testing

/// Wrong words, wrong files and wrong places: one clear line, the right exit code, nothing done.
@Suite("glovebox's runtime commands and bad input")
struct RuntimeInputTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var words: [String]
        var code: Int32
        var says: String
        var testDescription: String { words.joined(separator: " ") }
    }

    @Test(
        .timeLimit(.minutes(2)),
        arguments: [
            Case(words: ["agent", "ps"], code: 125, says: "glovebox agent spawn"),
            Case(words: ["agent", "rnu"], code: 64, says: "did you mean `run`"),
            Case(words: ["agent", "run", "--script"], code: 64, says: "--script"),
            Case(words: ["agent", "run"], code: 125, says: "--model"),
            Case(words: ["agent", "run", "--model", "m"], code: 125, says: "--model-url"),
            Case(words: ["agent", "run", "--model", "m", "--model-url", "http://example.org"], code: 125, says: "use https"),
            Case(words: ["agent", "run", "--model", "m", "--script", "x"], code: 64, says: "exclude each other"),
            Case(words: ["agent", "spawn", "--preset", "everything"], code: 64, says: "everything"),
            Case(words: ["agent", "spawn", "--allow", "src=read"], code: 64, says: "src"),
            Case(words: ["agent", "spawn", "--tool", "read_text_fil"], code: 64, says: "read_text_file"),
            Case(words: ["agent", "spawn", "--image", "no-such"], code: 64, says: "coding-agent"),
            Case(words: ["agent", "spawn", "--cwd", "../.."], code: 1, says: ".."),
            Case(words: ["agent", "spawn", "--store", "store.sqlite", "--tools", "/nowhere"], code: 125, says: "/nowhere"),
            Case(words: ["tool", "call", "read_text_fil"], code: 127, says: "read_text_file"),
            Case(words: ["tool", "call", "read_text_file", "{path}"], code: 64, says: "JSON"),
            Case(words: ["tool", "call", "read_text_file", "[]"], code: 64, says: "object"),
            Case(words: ["tool", "call", "read_text_file", "{}"], code: 64, says: "path"),
            Case(words: ["tool", "call", "read_text_file", #"{"path": "a"}"#], code: 126, says: "glovebox why tcall_"),
            Case(words: ["tool", "show", "nothing"], code: 127, says: "nothing"),
            Case(words: ["why", "pid"], code: 64, says: "audit list"),
            Case(words: ["human", "approve", "7", "--yes"], code: 64, says: "hreq_"),
            Case(words: ["agent", "spawn", "--workspace", "absent"], code: 125, says: "absent"),
        ])
    func `bad input`(_ item: Case) throws {
        let fixture = try AgentFixture()
        let ended = try fixture.glovebox(item.words)
        #expect(ended.code == item.code, "\(ended.errorOutput)")
        #expect(ended.errorOutput.contains(item.says), "\(ended.errorOutput)")
        #expect(ended.errorOutput.split(separator: "\n").count == 1, "\(ended.errorOutput)")
        #expect(ended.output.isEmpty)
    }

    /// What a tool consists of is no agent's to change: neither its manifest nor its program may lie in the workspace.
    @Test(.timeLimit(.minutes(2)), arguments: ["manifest", "program", "absent program"])
    func `a tool from the workspace is refused`(part: String) throws {
        let fixture = try AgentFixture()
        let outside = try ScratchDirectory("tools")
        let program = fixture.workspace + "/greet.sh"
        let directory = part == "manifest" ? fixture.workspace : outside.path
        let action = part == "manifest" ? "run: [/bin/echo, hello]" : "run: [/bin/sh, \(program)]\nfiles: [\(program)]"
        let head = "manifest: 1\nname: greet\ndescription: says hello\nprotocol: command\npolicy: runtime\n"
        let manifest = head + action + "\ninput: {type: object, additionalProperties: false, properties: {}}\n"
        try HostFile.write(directory + "/greet.yaml", manifest)
        if part != "absent program" { try HostFile.write(program, "echo hello") }
        let ended = try fixture.glovebox(["tool", "call", "greet", "{}", "--tools", directory + "/greet.yaml"])
        #expect(ended.code == 125 && ended.errorOutput.contains("lies in the workspace"), "\(ended.errorOutput)")
        #expect(!ended.output.contains("hello"))
    }

    @Test(.timeLimit(.minutes(2)))
    func `ids that lead nowhere`() throws {
        let fixture = try AgentFixture()
        let pid = try fixture.spawn([])
        for words in [
            ["agent", "show", "pid_0"], ["agent", "signal", "pid_0", "pause"], ["why", "tcall_0"], ["why", "audit_0"],
            ["human", "show", "hreq_0"],
            ["human", "reject", "hreq_0"], ["capability", "revoke", "cap_0"], ["memory", "show", "obj_0"],
            ["agent", "message", "pid_0", "x"],
        ] {
            let ended = try fixture.glovebox(words)
            #expect(ended.code == 1, "\(words): \(ended.errorOutput)")
            #expect(ended.errorOutput.contains("there is no"), "\(ended.errorOutput)")
        }
        let signal = try fixture.glovebox(["agent", "signal", pid, "kill"])
        #expect(signal.code == 64)
        #expect(try fixture.glovebox(["agent", "run"]).errorOutput.contains("no model is named"))
    }

    @Test(.timeLimit(.minutes(2)))
    func `a store in the workspace, and a store that is none`() throws {
        let fixture = try AgentFixture(files: ["plan.yaml": "- {action: process_exit}\n"])
        let inside = fixture.workspace + "/store.sqlite"
        let refused = try fixture.glovebox(["agent", "spawn", "--store", inside])
        #expect(refused.code == 125, "\(refused.errorOutput)")
        #expect(refused.errorOutput.contains("lies in the workspace"))
        #expect(!HostFile.exists(inside))

        let other = try fixture.scratch.file("other.sqlite", String(repeating: "this is no database. ", count: 100), mode: 0o600)
        for words in [["agent", "ps"], ["agent", "spawn"]] {
            let ended = try fixture.glovebox(words + ["--store", other])
            #expect(ended.code == 125, "\(ended.errorOutput)")
            #expect(ended.errorOutput.split(separator: "\n").count == 1)
        }
        #expect(try HostFile.text(other).hasPrefix("this is no database."))
    }

    @Test(.timeLimit(.minutes(2)))
    func `grants, their explanation and their end`() throws {
        let fixture = try AgentFixture(files: ["a.txt": "x\n"])
        let pid = try fixture.spawn([])
        let need = "filesystem:workspace:a.txt=read"
        #expect(try fixture.glovebox(["capability", "explain", pid, need]).code == 1)
        let granted = try fixture.json(["capability", "grant", pid, need, "--expires", "1h"])
        let id = try #require(granted["capability_id"]?.text)
        #expect(try fixture.glovebox(["capability", "explain", pid, need]).code == 0)
        let call = ["tool", "call", "read_text_file", #"{"path": "a.txt"}"#, "--pid", pid]
        #expect(try fixture.glovebox(call).code == 0)
        #expect(try fixture.glovebox(["why", id]).output.contains("used by"))
        #expect(try fixture.glovebox(["capability", "revoke", id, "--reason", "enough"]).code == 0)
        #expect(try fixture.glovebox(call).code == 126)
        let help = try fixture.glovebox(["help", "capability"])
        #expect(help.code == 0)
        #expect(help.output.contains("USAGE: glovebox capability"))
    }
}
