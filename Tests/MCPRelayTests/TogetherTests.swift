import LibOSModel
import MCPRelay
import ModelContextProtocol
import SQLiteRuntimeStore
import SandboxTestSupport
import StrictJSON
import Testing

/// Many calls in one transaction.
@Suite struct TogetherTests {
    private func decide(_ fixture: GateFixture, _ names: [String]) async -> (isDone: Bool, passed: [Bool]) {
        await GateFixture.onThread {
            let gate = fixture.gate()
            var passed: [Bool] = []
            let isDone = gate.together {
                for name in names {
                    if case .pass = gate.decide(ToolCall(name: name)) { passed.append(true) } else { passed.append(false) }
                }
            }
            return (isDone, passed)
        }
    }

    @Test("each of them has its record") func records() async throws {
        let fixture = try await GateFixture(given: ["allow mcp:files:*", "deny mcp:files:b"])
        let (isDone, passed) = await decide(fixture, ["a", "b", "c"])
        #expect(isDone && passed == [true, false, true])
        #expect(try await fixture.audits("external_effect.intent").map(\.target) == ["mcp:files:a", "mcp:files:c"])
        #expect(try await fixture.audits("tool.call").map(\.target) == ["mcp:files:b"])
        #expect(try await fixture.records.store.verifyAudit().isWhole)
    }

    @Test("when they cannot be put on record, none of them is, and each can be asked for anew") func failure() async throws {
        let fixture = try await GateFixture(given: ["allow mcp:files:*"])
        fixture.records.failsGroups = true
        let (isDone, _) = await decide(fixture, ["a", "b"])
        #expect(!isDone)
        #expect(try await fixture.audits("external_effect.intent").isEmpty)
        let verdict = await GateFixture.onThread { fixture.gate().decide(ToolCall(name: "a")) }
        guard case .pass = verdict else {
            Issue.record("\(verdict)")
            return
        }
        #expect(try await fixture.audits("external_effect.intent").count == 1)
        #expect(try await fixture.records.store.verifyAudit().isWhole)
    }

    @Test("what comes in a row through a relay is recorded together, also after a failure", arguments: [false, true])
    func relayed(_ fails: Bool) async throws {
        try await SandboxFixture.with { sandbox in
            let fixture = try await GateFixture()
            fixture.records.failsGroups = fails
            let talk = try RelayConversation(sandbox, gate: fixture.gate())
            let calls = (1...40).map { EngineFixture.call($0, "echo") }
            try talk.say(calls.joined(separator: "\n"))
            for id in 1...40 { #expect(try await talk.hear()?.contains(#""id":\#(id),"result""#) == true) }
            talk.hangUp()
            _ = await talk.report()
            #expect(fixture.records.groups >= 1)
            #expect(try await fixture.audits("external_effect.intent").count == 40)
            #expect(try await fixture.audits("tool.call").count == 40)
            #expect(try await fixture.records.store.verifyAudit().isWhole)
        }
    }
}
