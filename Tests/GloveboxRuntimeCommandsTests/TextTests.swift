import CapabilityLanguage
import LibOSModel
import SandboxPolicy
import StrictJSON
import Testing
import ToolBroker

@testable import GloveboxRuntimeCommands

@Suite struct TextTests {
    private let process = ProcessID.new()

    private func approval(_ arguments: JSONValue) throws -> HumanRequest {
        HumanRequest(
            process: process,
            content: .approval(
                ApprovalRequest(
                    tool: "write_text_file", arguments: arguments, actionHash: "abc", policyHash: "sha256:1",
                    needs: [NeededRight(resource: try Resource.parse("filesystem:workspace:a"), rights: [.write])],
                    rules: ["ask filesystem:workspace:* write at shell.yaml:7"], facts: .object(["adapter": .string("channel")])),
                question: "may it?"), createdAt: Timestamp(microseconds: 0))
    }

    @Test func anActionIsShownWholeAndHarmless() throws {
        let text = "evil\u{1B}[2J\u{202E}\nY/n yes"
        let lines = HumanRequestText.lines(
            try approval(.object(["text": .string(text), "path": .string("a")])), now: Timestamp(microseconds: 0))
        let all = lines.joined(separator: "|")
        #expect(!all.unicodeScalars.contains { isDangerousToPrint($0) })
        #expect(all.contains(#""path":"a""#))
        #expect(all.contains("write on filesystem:workspace:a"))
        #expect(all.contains("abc"))
        #expect(all.contains("asked by    ask filesystem:workspace:* write at shell.yaml:7"))
        #expect(lines.count == 8)
    }

    @Test func anAgentsWordsForgeNoLine() {
        let text = Narrator.words("done\r\nglovebox: all is well\n\n\rproc  exited\u{85}", of: process)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == 4 && lines[0] == "\(process) says: done")
        #expect(lines.dropFirst().allSatisfy { $0.hasPrefix("    | ") })
        #expect(!text.unicodeScalars.contains { $0 == "\r" || $0 == "\u{85}" })
    }

    @Test func aLongActionSaysThatItIsCut() throws {
        let request = try approval(.object(["text": .string(String(repeating: "x", count: 100_000))]))
        let all = HumanRequestText.lines(request, now: Timestamp(microseconds: 0)).joined(separator: "|")
        #expect(all.utf8.count < 30_000)
        #expect(all.contains("bytes more; `glovebox human show \(request.id) --json` has all of it"))
    }

    @Test func whatWouldBeRemembered() throws {
        #expect(HumanRequestText.remembered(try approval(.object([]))).contains("once; nothing else is remembered"))
        let wish = HumanRequest(
            process: process,
            content: .permission(
                PermissionRequest(resource: try Resource.parse("filesystem:workspace:src"), rights: [.read]), question: "?", reason: "why"),
            createdAt: Timestamp(microseconds: 0))
        #expect(
            HumanRequestText.remembered(wish, policy: .askEachTime)
                == "remembered for \(process) alone: ask_each_time, read on filesystem:workspace:src")
        #expect(HumanRequestText.command(for: wish) == "glovebox human approve \(wish.id)")
    }

    @Test func quantaInOneLine() {
        let action: JSONValue = .object(["action": .string("echo"), "text": .string("hi")])
        #expect(
            Narrator.line(of: .object(["ok": .bool(true), "action": action, "result": .object(["ok": .bool(true)])]))
                == #"echo {"text":"hi"}: done"#)
        #expect(
            Narrator.line(of: .object(["action": action, "result": .object(["ok": .bool(false), "error": .string("no")])]))
                == #"echo {"text":"hi"}: not done: no"#)
        let failed: JSONValue = .object(["ok": .bool(true), "payload": .object(["returncode": .int(1)])])
        #expect(Narrator.line(of: .object(["action": action, "result": failed])) == #"echo {"text":"hi"}: done, exit code 1"#)
        #expect(
            Narrator.line(of: .object(["waiting_human": .bool(true), "request_id": .string("hreq_1")])) == "waits for a person: hreq_1")
        #expect(Narrator.line(of: .object(["ok": .bool(false), "error": .string("gone")])) == "failed: gone")
    }

    @Test func columns() {
        var table = TextTable(["A", "B"])
        table.add(["long", "x\u{1B}[1m\ny"])
        #expect(table.lines == ["A     B", "long  x^[[1m\\ny"])
    }

    @Test(arguments: [
        ("completed", "ended_after_result", "completed, and its worker then ended by the supervisor"),
        ("failed", "ended_after_result", "failed, and its worker then ended by the supervisor"),
        ("completed", "memory_exceeded", "completed, and its worker then memory_exceeded"),
        ("completed", "stays", "completed, and its worker stays for the next call"),
        ("failed", "stays", "failed, and its worker stays for the next call"),
    ])
    func aToolThatGaveItsResult(kind: String, worker: String, text: String) {
        let outcome: JSONValue = .object(["kind": .string(kind), "worker": .object(["kind": .string(worker)]), "exit_code": .int(0)])
        #expect(RunReportText.lines(.object(["outcome": outcome])) == ["outcome    " + text])
    }

    @Test func theSessionThatServedACall() {
        var session: [JSONMember] = [
            JSONMember("id", .string("ses_1")), JSONMember("call", .int(3)), JSONMember("stays", .bool(true)),
            JSONMember("bounds", .string("up to 100 calls")),
        ]
        #expect(
            RunReportText.lines(.object(["session": .object(session)]))
                == ["session    ses_1, call 3 of one worker: it stays for the next call (up to 100 calls)"])
        session[2] = JSONMember("stays", .bool(false))
        session.append(JSONMember("because", .string("a call was cancelled")))
        #expect(
            RunReportText.lines(.object(["session": .object(session)]))
                == ["session    ses_1, call 3 of one worker: the last one, because a call was cancelled"])
    }

    @Test func theToolThatHasSessions() throws {
        func tool(_ more: String) throws -> ToolManifest {
            let text =
                "manifest: 1\nname: t\ndescription: d\nprotocol: channel\nrun: [x]\npolicy: p\ninput: {type: object, additionalProperties: false}\n"
            return try ToolManifest.read(Array((text + more).utf8), fileName: "t.yaml")
        }
        func policy(_ more: String) throws -> ResolvedPolicy {
            try PolicyLoader.load(Array("version: 1\nname: p\n\(more)".utf8), fileName: "p.yaml") { name in
                throw PolicyError(file: name, message: "no parent", mend: "")
            }
        }
        let (plain, keeps) = (try tool(""), try tool("session: true\n"))
        let (silent, names) = (try policy(""), try policy("sessions: {tools: [t], calls: 7}\n"))
        #expect(plain.sessionLines(under: silent).isEmpty && plain.sessions(under: silent) == .null)
        #expect(keeps.sessionLines(under: silent).first?.contains("does not name it") == true)
        #expect(keeps.sessionLines(under: names).first?.contains("up to 7 calls") == true)
        #expect(keeps.sessions(under: names)["calls"] == .int(7))
        #expect(plain.sessionLines(under: names).first?.contains("session refused") == true)
        #expect(plain.sessions(under: names)["refused"]?["layer"] == .string("policy"))
    }

    @Test func reportsInLines() {
        let report: JSONValue = .object([
            "outcome": .object(["kind": .string("exited"), "code": .int(3)]),
            "policy": .object(["name": .string("shell"), "hash": .string("sha256:1")]),
            "usage": .object(["wall_us": .int(2_500), "cpu_us": .int(1_000)]),
            "receipt": .array([
                .object(["layer": .string("seccomp"), "state": .string("enforced")]),
                .object(["layer": .string("cgroup"), "state": .string("waived")]),
            ]),
            "violations": .array([
                .object([
                    "syscall": .string("socket"), "arguments": .string("AF_INET"), "program": .string("sh"),
                    "reason": .string("no network"),
                    "layer": .string("seccomp"), "rule": .null,
                ])
            ]), "violations_dropped": .int(2),
        ])
        #expect(
            RunReportText.lines(report) == [
                "outcome    exited with 3", "policy     shell sha256:1", "used       2 ms, 1 ms of CPU", "enforced   seccomp",
                "waived     cgroup", "refused    socket(AF_INET) of sh: no network [seccomp]", "refused    and 2 times more",
            ])
        #expect(RunReportText.lines(.null).isEmpty)
    }
}
