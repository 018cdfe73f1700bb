import Glibc
import LinuxPrimitives
import SandboxTestSupport
import StrictJSON
import TestSupport
import Testing

/// Agents from the command line, through the built programs: each step another process, nothing between them but the store.
@Suite("glovebox agent, from the shell")
struct AgentCommandTests {
    private static let plan = """
        - {action: read_text_file, path: notes.txt}
        - {action: read_text_file, path: .env}
        - {action: write_text_file, path: notes.txt, text: "mended\\n"}
        - {action: human_output, message: "the notes are mended"}
        - {action: process_exit, message: done}
        """

    /// Runs the program on a terminal of its own, and gives the first word as the answer once a question is there.
    private static let driver = """
        import os, pty, sys
        pid, terminal = pty.fork()
        if pid == 0: os.execv(os.environ["GLOVEBOX"], ["glovebox"] + sys.argv[2:])
        seen = b""
        while b"[y/N]" not in seen: seen += os.read(terminal, 4096)
        os.write(terminal, sys.argv[1].encode() + b"\\n")
        try:
            while (more := os.read(terminal, 4096)): seen += more
        except OSError: pass
        sys.stdout.write(seen.decode())
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        """

    @Test(.timeLimit(.minutes(2)))
    func `on a terminal a run asks, and goes on with the answer`() throws {
        let fixture = try AgentFixture(files: ["notes.txt": "broken\n", ".env": "KEY=hidden\n"])
        let script = try fixture.script(Self.plan)
        let pid = try fixture.spawn(["--preset", "edit"])
        let ended = try fixture.run(["/usr/bin/python3", "-c", Self.driver, "yes", "agent", "run", "--script", script])
        #expect(ended.code == 0, "\(ended.output)")
        #expect(ended.output.contains("needs       write on filesystem:workspace:notes.txt"), "\(ended.output)")
        #expect(try fixture.text("notes.txt") == "mended\n")
        #expect(try fixture.process(pid)["status"] == .string("exited"))
    }

    @Test(.timeLimit(.minutes(3)))
    func `an approval from another invocation lets the very same action go on`() throws {
        let fixture = try AgentFixture(files: ["notes.txt": "broken\n", ".env": "KEY=hidden\n"])
        let script = try fixture.script(Self.plan)
        let pid = try fixture.spawn(["--preset", "edit", "--goal", "mend the notes"])

        let first = try fixture.glovebox(["agent", "run", "--script", script])
        #expect(first.code == 125, "a question is left open: \(first.errorOutput)")
        #expect(try fixture.text("notes.txt") == "broken\n")
        #expect(try fixture.process(pid)["status"] == .string("waiting_human"))
        let request = try #require(try fixture.items(try fixture.json(["human", "list"])["requests"]).first)
        let id = try #require(request["request_id"]?.text)
        let action = request["payload"]?["context"]
        #expect(action?["tool"] == .string("write_text_file"))

        let approved = try fixture.glovebox(["human", "approve", id, "--yes"])
        #expect(approved.code == 0, "\(approved.errorOutput)")
        #expect(try fixture.text("notes.txt") == "broken\n", "an approval does nothing by itself")
        let again = try fixture.glovebox(["human", "approve", id, "--yes"])
        #expect(again.code == 1)
        #expect(again.errorOutput.contains("decided once"))

        let second = try fixture.glovebox(["agent", "run", "--script", script])
        #expect(second.code == 0, "\(second.errorOutput)")
        #expect(second.output.contains("\(pid) says: the notes are mended"))
        #expect(try fixture.text("notes.txt") == "mended\n")
        // Five steps, five questions: the action that waited was not asked for again.
        #expect(try fixture.audit("llm.request").count == 5)
        #expect(try fixture.process(pid)["status"] == .string("exited"))

        let verified = try fixture.glovebox(["audit", "verify"])
        #expect(verified.code == 0, "\(verified.output)")
        // What the secret holds is in nobody's records.
        let export = try fixture.glovebox(["audit", "export"])
        #expect(!export.output.contains("hidden"))
        #expect(export.output.split(separator: "\n").count > 30)
    }

    @Test(.timeLimit(.minutes(2)))
    func `a full disk behind standard output ends a run in order`() throws {
        let fixture = try AgentFixture()
        let script = try fixture.script(
            """
            - {action: human_output, message: "one\\nglovebox: two"}
            - {action: human_output, message: "three"}
            - {action: process_exit}
            """)
        let pid = try fixture.spawn(["--preset", "edit"])
        let full = try fixture.run(["/bin/sh", "-c", "exec \"$GLOVEBOX\" agent run --script \"$0\" >/dev/full", script])
        #expect(full.code == 125, "\(full.errorOutput)")
        #expect(full.errorOutput.contains("standard output could not be written (ENOSPC)"), "\(full.errorOutput)")
        #expect(try fixture.process(pid)["status"] == .string("runnable"), "the next run goes on with it")

        // Quiet is about the account of the steps, not about what an agent tells people.
        let quiet = try fixture.glovebox(["agent", "run", "-q", "--script", script])
        #expect(quiet.code == 0, "\(quiet.errorOutput)")
        #expect(quiet.output.contains("\(pid) says: three"), "\(quiet.output)")
        #expect(!quiet.errorOutput.contains("human_output"), "\(quiet.errorOutput)")
    }

    @Test(.timeLimit(.minutes(3)))
    func `every refusal is explained by why, and names its rule`() throws {
        let fixture = try AgentFixture(files: ["notes.txt": "x\n", ".env": "KEY=hidden\n"])
        let script = try fixture.script(
            """
            - {action: read_text_file, path: .env}
            - {action: delete_file, path: notes.txt}
            - {action: run_shell_command, argv: [sh, -c, "echo x > /etc/passwd; exec 3<>/dev/tcp/127.0.0.1/1; true"]}
            - {action: write_text_file, path: notes.txt}
            - {action: read_text_file, path: ../outside}
            - {action: process_exit}
            """)
        let pid = try fixture.spawn(["--allow", "filesystem:workspace:*=read", "--allow", "shell:sh=execute"])
        let run = try fixture.glovebox(["agent", "run", "--script", script])
        #expect(run.code == 0, "\(run.errorOutput)")
        #expect(try fixture.text("notes.txt") == "x\n")

        let story = try fixture.glovebox(["why", pid]).output
        let refused = try fixture.audit("tool.call").filter { $0["record"]?["decision"]?["ok"] == .bool(false) }
        #expect(refused.count == 4)
        for record in refused {
            let call = try #require(record["record"]?["decision"]?["call_id"]?.text)
            #expect(story.contains(call), "\(call) is missing in:\n\(story)")
            let own = try fixture.glovebox(["why", call])
            #expect(own.code == 0)
            #expect(own.output.contains("refused"), "\(own.output)")
        }
        #expect(story.contains("guarded.yaml:"))
        #expect(story.contains("refused by the sandbox"), "\(story)")
        let json = try fixture.json(["why", pid])
        #expect(json["schema"] == .string("glovebox.why/1"))
        #expect(try fixture.items(json["refused_by_decision"]).count == 4)
    }

    /// The supervisor dies while a tool runs: the effect is not repeated, the process waits for somebody to decide.
    @Test(.timeLimit(.minutes(3)))
    func `a run that was killed leaves a whole store, a paused process, and nothing to replay`() throws {
        let fixture = try AgentFixture(files: ["log": ""])
        let script = try fixture.script(
            """
            - {action: run_shell_command, argv: [sh, -c, "echo begun >> log; exec sleep 30"], write: [log]}
            - {action: process_exit, message: after the crash}
            """)
        let pid = try fixture.spawn([
            "--allow", "filesystem:workspace:*=read,write,delete", "--allow", "shell:sh=execute", "--allow", "shell:sleep=execute",
        ])
        let sink = try PathResolution.open(path: "/dev/null", flags: O_RDWR, resolve: [])
        let run = try fixture.start(["agent", "run", "--script", script], output: sink.rawValue)
        var isEnded = false
        defer { if !isEnded { _ = try? BareProcess.end(run) } }
        // Each look starts a program, which is pause enough.
        for _ in 0..<400 where try fixture.text("log").isEmpty { _ = try fixture.glovebox(["agent", "ps"]) }
        #expect(try fixture.text("log") == "begun\n")

        // Beside the writer others read, and a second writer hears who it is.
        #expect(try fixture.process(pid)["status"] == .string("running"))
        let second = try fixture.glovebox(["agent", "message", pid, "hello"])
        #expect(second.code == 125)
        #expect(second.errorOutput.contains("\(run)"), "\(second.errorOutput)")

        #expect(kill(run, SIGKILL) == 0)
        _ = try BareProcess.end(run)
        isEnded = true
        let reopened = try fixture.glovebox(["agent", "run", "--script", script])
        #expect(reopened.code == 3, "\(reopened.errorOutput)")
        let process = try fixture.process(pid)
        #expect(process["status"] == .string("paused"))
        #expect(try fixture.items(process["recent_calls"]).first?["state"] == .string("unknown"))
        #expect(try fixture.text("log") == "begun\n")
        #expect(try fixture.glovebox(["audit", "verify"]).code == 0)

        #expect(try fixture.glovebox(["agent", "signal", pid, "resume"]).code == 0)
        let last = try fixture.glovebox(["agent", "run", "--script", script])
        #expect(last.code == 0, "\(last.errorOutput)")
        #expect(try fixture.process(pid)["outcome"]?["message"] == .string("after the crash"))
        #expect(try fixture.text("log") == "begun\n", "the tool ran once")
        #expect(try fixture.audit("external_effect.intent").count == 1)
    }

    @Test(.timeLimit(.minutes(2)))
    func `SIGTERM ends the tool and closes its records`() throws {
        let fixture = try AgentFixture(files: ["log": ""])
        let script = try fixture.script(
            "- {action: run_shell_command, argv: [sh, -c, \"echo begun >> log; exec sleep 30\"], write: [log]}\n")
        let pid = try fixture.spawn([
            "--allow", "filesystem:workspace:*=read,write,delete", "--allow", "shell:sh=execute", "--allow", "shell:sleep=execute",
        ])
        let sink = try PathResolution.open(path: "/dev/null", flags: O_RDWR, resolve: [])
        let run = try fixture.start(["agent", "run", "--script", script], output: sink.rawValue)
        var isEnded = false
        defer { if !isEnded { _ = try? BareProcess.end(run) } }
        for _ in 0..<400 where try fixture.text("log").isEmpty { _ = try fixture.glovebox(["agent", "ps"]) }
        #expect(kill(run, SIGTERM) == 0)
        let handle = try ProcessHandle(pid: run)
        #expect(try Polling.wait(handle.rawValue, for: .readable, deadline: MonotonicClock.now() + 30_000_000_000))
        let status = try BareProcess.end(run)
        isEnded = true
        #expect(status >> 8 & 0xFF == 143)
        let call = try #require(try fixture.items(try fixture.process(pid)["recent_calls"]).first)
        #expect(call["state"] == .string("failed"))
        #expect(try fixture.glovebox(["audit", "verify"]).code == 0)
    }

    @Test(.timeLimit(.minutes(2)))
    func `the prompt shows the action, and what is not a yes is a no`() throws {
        let fixture = try AgentFixture(files: ["notes.txt": "broken\n"])
        let script = try fixture.script(Self.plan)
        _ = try fixture.spawn(["--preset", "edit"])
        let first = try fixture.glovebox(["agent", "run", "--script", script])
        #expect(first.code == 125, "\(first.output) \(first.errorOutput)")
        let request = try #require(try fixture.items(try fixture.json(["human", "list"])["requests"]).first)
        let id = try #require(request["request_id"]?.text)
        let ended = try fixture.run(["/usr/bin/python3", "-c", Self.driver, "maybe", "human", "approve", id])
        #expect(ended.code == 0, "\(ended.output) \(ended.errorOutput)")
        #expect(ended.output.contains(#"{"path":"notes.txt","text":"mended\n"}"#), "\(ended.output)")
        #expect(ended.output.contains("once; nothing else is remembered"))
        #expect(ended.output.contains("rejected"))
        let second = try fixture.glovebox(["agent", "run", "--script", script])
        #expect(second.code == 0, "\(second.errorOutput)")
        #expect(try fixture.text("notes.txt") == "broken\n")
    }

    @Test(.timeLimit(.minutes(2)))
    func `an export can be checked with sha256sum alone`() throws {
        let fixture = try AgentFixture()
        _ = try fixture.spawn([])
        let file = fixture.scratch.path + "/audit.jsonl"
        #expect(try fixture.glovebox(["audit", "export", "--output", file]).code == 0)
        #expect(try HostFile.identity(file).mode & 0o777 == 0o600)
        #expect(try fixture.glovebox(["audit", "export", "--output", file]).code == 125, "nothing is overwritten")
        let check = """
            previous=0000000000000000000000000000000000000000000000000000000000000000; n=0
            while IFS= read -r line; do
                hash=$(printf %s "$line" | cut -c10-73)
                sum=$(printf '%s\\n' "$line" | sed -E 's/^.{9}(.{64}).{19}(.{64}).{11}(.*),"schema":"glovebox.audit.1".$/\\2\\3/' | tr -d '\\n' | sha256sum | cut -c1-64)
                [ "$hash" = "$sum" ] || { echo "bad $n"; exit 1; }
                case $line in *"\\"previous_hash\\":\\"$previous\\""*) ;; *) echo "unlinked $n"; exit 1;; esac
                previous=$hash; n=$((n + 1))
            done <"$1"; echo "$n good"
            """
        let checked = try fixture.run(["/bin/bash", "-c", check, "check", file])
        #expect(checked.code == 0, "\(checked.output)")
        let count = try HostFile.text(file).split(separator: "\n").count
        #expect(checked.output == "\(count) good\n")
        #expect(count >= 4)
    }
}

extension JSONValue {
    var text: String? { if case .string(let text) = self { text } else { nil } }
}
