import LibOSModel
import LinuxPrimitives
import MCPRelay
import ModelContextProtocol
import SQLiteRuntimeStore
import SandboxLauncher
import SandboxTestSupport
import StrictJSON
import Synchronization
import TestSupport
import Testing

@Suite(.serialized) struct RelaySessionTests {
    private static let hello = #"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#

    @Test("a server serves through the relay, and ends with its client") func talk() async throws {
        try await SandboxFixture.with { sandbox in
            let gate = RecordingGate(refused: ["read"])
            let talk = try RelayConversation(sandbox, gate: gate)
            #expect(try await talk.ask(Self.hello).contains(#""protocolVersion":"2025-11-25""#))
            #expect(try await talk.ask(#"{"jsonrpc":"2.0","id":"l","method":"tools/list"}"#).contains("Echoes."))
            #expect(
                try await talk.call(1, "echo")
                    == #"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"echo"}],"isError":false}}"#)
            #expect(try await talk.call(2, "read", #"{"path":"/etc/hostname"}"#).contains("no read"))
            talk.hangUp()
            #expect(try await talk.hear() == nil)
            #expect(await talk.report().outcome == .exited(code: 0))
            #expect(gate.outcomes == ["echo completed"] && gate.drops.isEmpty)
        }
    }

    @Test("a hostile server reaches nothing, and what it tried is known") func hostile() async throws {
        try await SandboxFixture.with { sandbox in
            let gate = RecordingGate()
            let key = try sandbox.scratch.file(
                "home/.ssh/id_rsa".split(separator: "/").last.map(String.init) ?? "id_rsa", "host-key-material")
            #expect(try HostFile.text(key) == "host-key-material")
            let listener = try Listener(.tcp)
            let talk = try RelayConversation(sandbox, gate: gate)
            let read = try await talk.call(1, "read", #"{"path":"\#(key)"}"#)
            #expect(read.contains("cannot read") && !read.contains("host-key-material"))
            #expect(try await talk.call(2, "connect", #"{"port":\#(listener.port)}"#).contains("refused"))
            #expect(listener.hits() == 0)
            #expect(try await talk.call(3, "forge").contains("real"))
            #expect(try await talk.call(4, "flood").contains("flooded"))
            #expect(try await talk.call(5, "echo").contains("echo"))
            talk.hangUp()
            _ = await talk.report()
            let (ended, notes) = gate.state.withLock { ($0.ended, $0.notes) }
            #expect(ended.map(\.tool) == ["read", "connect", "forge", "flood", "echo"])
            #expect(ended[1].end.violations.contains { $0.syscall == "socket" || $0.syscall == "connect" }, "\(ended[1].end.violations)")
            #expect(ended[0].end.violations.isEmpty && ended[4].end.violations.isEmpty)
            let drops = gate.drops
            #expect(drops.filter { $0 == "server unasked-answer" }.count == 2)
            #expect(drops.filter { $0 == "server not-a-message" }.count == 32)
            #expect(notes.contains { if case .suppressed(let count, _) = $0 { count == 469 } else { false } })
            #expect(notes.contains { if case .violation = $0 { true } else { false } })
        }
    }

    @Test("a server that makes noise hides neither its look for keys nor its connection, and the record says that there was more")
    func noise() async throws {
        try await SandboxFixture.with { sandbox in
            let fixture = try await GateFixture(given: ["allow mcp:files:hide"])
            let talk = try RelayConversation(sandbox, gate: fixture.gate(), watchesOpening: true)
            #expect(try await talk.call(1, "hide").contains("hidden"))
            talk.hangUp()
            _ = await talk.report()
            let seen = try await fixture.audits("sandbox.violation").map(\.decision)
            #expect(seen.contains { $0["arguments"] == .string("/root/.ssh/id_ed25519") })
            #expect(seen.contains { $0["syscall"] == .string("socket") || $0["syscall"] == .string("connect") })
            let decoys = seen.count {
                if case .string(let path)? = $0["arguments"] { path.hasPrefix("/root/decoy") } else { false }
            }
            #expect(decoys > 100 && decoys <= 128)
            let more = try await fixture.audits("sandbox.violations_left_out").map(\.decision)
            #expect(more.map { $0["kind"] } == [.string("violation mount-namespace"), .string("violation mount-namespace")])
            #expect(more.map { $0["count"] } == [.null, .int(Int64(150 - decoys))])
            let call = try #require(try await fixture.audits("tool.call").first)
            guard case .array(let named)? = call.decision["violations"], case .int(let left)? = call.decision["violations_left_out"] else {
                Issue.record("\(call)")
                return
            }
            #expect(named.count == 16 && left >= 136)
            #expect(named.contains { $0["arguments"] == .string("/root/.ssh/id_ed25519") })
        }
    }

    @Test("of a line of 100 MB the client gets an error, and the next call works") func endless() async throws {
        try await SandboxFixture.with { sandbox in
            let gate = RecordingGate()
            let talk = try RelayConversation(sandbox, gate: gate)
            #expect(try await talk.call(1, "endless").contains("result_too_long"))
            #expect(try await talk.call(2, "echo").contains("echo"))
            talk.hangUp()
            _ = await talk.report()
            #expect(gate.outcomes == ["endless result_too_long", "echo completed"] && gate.drops == ["server too-long"])
        }
    }

    @Test("a large result is passed on whole, up to its limit", arguments: [(1 << 20, true), (200_000, false)])
    func large(_ limit: Int, _ passes: Bool) async throws {
        try await SandboxFixture.with { sandbox in
            let talk = try RelayConversation(sandbox, gate: RecordingGate(), limits: RelayLimits(resultBytes: limit))
            let answer = try await talk.call(1, "large")
            #expect((answer.utf8.count > 300_000) == passes && answer.contains("result_too_long") != passes)
            talk.hangUp()
            _ = await talk.report()
        }
    }

    @Test("a server that dies leaves an error to everybody who waits", arguments: [("die", 3), ("half", 0)] as [(String, Int32)])
    func crash(_ tool: String, _ code: Int32) async throws {
        try await SandboxFixture.with { sandbox in
            let gate = RecordingGate()
            let talk = try RelayConversation(sandbox, gate: gate)
            try talk.say(EngineFixture.call(1, "silent"))
            try talk.say(EngineFixture.call(2, tool))
            for id in 1...2 {
                let answer = try await talk.hear() ?? ""
                #expect(answer.contains(#""id":\#(id)"#) && answer.contains("-32000") && answer.contains("exited with status \(code)"))
            }
            #expect(try await talk.hear() == nil)
            #expect(await talk.report().outcome == .exited(code: code))
            #expect(gate.outcomes == ["silent server_ended", "\(tool) server_ended"])
            #expect(gate.drops == (tool == "half" ? ["server partial-line"] : []))
        }
    }

    @Test("a server that cannot be started says so to its client") func missing() async throws {
        try await SandboxFixture.with { sandbox in
            let talk = try RelayConversation(sandbox, gate: RecordingGate(), arguments: ["/usr/bin/no-such-server"])
            let answer = try await talk.ask(Self.hello)
            // The request may come when the server is known to be gone already; then its pipe just ends.
            #expect(answer == "nothing" || answer.contains("-32000") && answer.contains("/usr/bin/no-such-server"))
            talk.hangUp()
            #expect(await talk.report().outcome.exitCode == 127)
        }
    }

    @Test("silence is answered with an error") func silence() async throws {
        try await SandboxFixture.with { sandbox in
            let gate = RecordingGate()
            let talk = try RelayConversation(sandbox, gate: gate, limits: RelayLimits(silence: 50_000_000))
            #expect(try await talk.call(1, "silent").contains("-32001"))
            talk.hangUp()
            _ = await talk.report()
            #expect(gate.outcomes.first == "silent timed_out")
        }
    }

    @Test("the whole tree ends when the client goes, and when it is told to", arguments: ["child", "stay"], [true, false])
    func ends(_ tool: String, _ hangsUp: Bool) async throws {
        try await SandboxFixture.with { sandbox in
            let talk = try RelayConversation(sandbox, gate: RecordingGate(), limits: RelayLimits(farewell: 50_000_000))
            #expect(try await talk.call(1, tool).contains(#""id":1"#))
            if hangsUp { talk.hangUp() } else { talk.interrupt() }
            let outcome = await talk.report().outcome
            #expect(outcome == .cancelled || outcome == .exited(code: 0), "\(outcome)")
        }
    }

    @Test("told to end between many calls that came at once, it decides no more than those it is at") func told() async throws {
        try await SandboxFixture.with { sandbox in
            let gate = StoppingGate()
            let talk = try RelayConversation(sandbox, gate: gate)
            gate.stop.withLock { $0 = { talk.interrupt() } }
            #expect(try await talk.ask(Self.hello).contains("protocolVersion"))
            try talk.say((1...600).map { EngineFixture.call($0, "echo") }.joined(separator: "\n"))
            _ = await talk.report()
            let count = gate.count.withLock { $0 }
            #expect((1...64).contains(count), "\(count)")
        }
    }

    @Test("what a server logs has no limit in all") func log() async throws {
        try await SandboxFixture.with { sandbox in
            let talk = try RelayConversation(sandbox, gate: RecordingGate())
            for id in 1...3 { #expect(try await talk.call(id, "log").contains("logged")) }
            talk.hangUp()
            #expect(await talk.report().outcome == .exited(code: 0))
        }
    }

    @Test("under the runtime's gate every act of a hostile server is in the audit, with its reason") func audited() async throws {
        try await SandboxFixture.with { sandbox in
            let fixture = try await GateFixture()
            let talk = try RelayConversation(sandbox, gate: fixture.gate())
            let listing = #"{"jsonrpc":"2.0","id":"l","method":"tools/list"}"#
            #expect(try await talk.ask(listing).contains(#""Echoes.""#))
            #expect(try await talk.ask(listing).contains(#""Echoes.""#))
            #expect(try await talk.call(1, "echo").contains("glovebox human approve"))
            #expect(try await talk.call(2, "connect", #"{"port":9}"#).contains("refused"))
            #expect(try await talk.call(3, "forge").contains("real"))
            talk.hangUp()
            _ = await talk.report()
            #expect(try await fixture.audits("mcp.tool_changed").count == 1)
            #expect(try await fixture.audits("tool.call_waiting_human").map(\.target) == ["mcp:files:echo"])
            #expect(try await fixture.audits("sandbox.violation").count >= 1)
            let dropped = try await fixture.audits("mcp.message_dropped")
            #expect(dropped.count >= 2)
            let connect = try #require(try await fixture.audits("tool.call").first { $0.target == "mcp:files:connect" })
            guard case .array(let violations)? = connect.decision["violations"] else {
                Issue.record("\(connect)")
                return
            }
            for fact in violations + dropped.map(\.decision) {
                guard case .string(let reason)? = fact["reason"] else {
                    Issue.record("\(fact)")
                    continue
                }
                #expect(!reason.isEmpty)
            }
            #expect(try await fixture.records.store.verifyAudit().isWhole)
        }
    }
}
