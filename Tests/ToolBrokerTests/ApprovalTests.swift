internal import CapabilityLanguage
internal import LibOSModel
internal import SandboxTestSupport
internal import StrictJSON
internal import Synchronization
import TestSupport
internal import Testing
internal import ToolBroker

/// Asking first: an approval is good for one action, once, and comes back only when nothing of it ran.
@Suite struct ApprovalTests {
    private func asked(_ completion: Completion<ToolCallResult>) throws -> HumanRequestID {
        guard case .waiting(.human(let requests)) = completion, let id = requests.first else {
            throw LibOSError(.process, "it did not ask: \(completion)")
        }
        return id
    }

    private func done(_ completion: Completion<ToolCallResult>) throws -> ToolCallResult {
        guard case .done(let result) = completion else { throw LibOSError(.process, "it waits: \(completion)") }
        return result
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            ("read_text_file", #"{"path": "a"}"#, CapabilityRight.read), ("delete_file", #"{"path": "a"}"#, .delete),
        ])
    func `a yes is good for this action once`(tool: String, arguments: String, right: CapabilityRight) async throws {
        try await BrokerFixture.with { fixture in
            try fixture.sandbox.file("a", "A")
            try fixture.sandbox.file("b", "B")
            let record = try await fixture.grant("filesystem:workspace:*", [right], effect: .ask)
            let id = try asked(try await fixture.completion(tool, arguments))
            let approval = try #require(fixture.kernel.state.withLock { $0.approvals.first })
            #expect(approval.tool == tool && approval.arguments["path"] == .string("a"))
            #expect(approval.needs.map(\.rights) == [[right]])
            #expect(approval.rules == [record.id.text], "who wants it asked")
            #expect(approval.actionHash.utf8.count == 64)
            #expect(try await fixture.audit("tool.call_waiting_human").first?.decision["request_id"] == .string(id.text))
            #expect(HostFile.exists(fixture.sandbox.path("a")))

            try await fixture.kernel.decide(id, true)
            // Another action is not covered by it.
            let other = try asked(try await fixture.completion(tool, #"{"path": "b"}"#, resumed: id))
            #expect(other != id)
            let result = try done(try await fixture.completion(tool, arguments, resumed: id))
            #expect(result.isOK, "\(result.error ?? "")")
            // Once.
            try fixture.sandbox.file("a", "A")
            _ = try asked(try await fixture.completion(tool, arguments))
        }
    }

    /// The record allows it, and the policy of the tool wants a person.
    @Test(.timeLimit(.minutes(1))) func `an approval that a policy asks for names the rule and its place`() async throws {
        try await BrokerFixture.with { fixture in
            let policy = try TestPolicies.inline(parent: "workspace", [#"ask: "filesystem:workspace:a", rights: [read]"#])
            let broker = fixture.broker(with: fixture.broker.registry, policy: policy)
            try fixture.sandbox.file("a", "A")
            try await fixture.grant("filesystem:workspace:a", [.read])
            let request = ToolCallRequest(process: fixture.process, tool: "read_text_file", arguments: try json(#"{"path": "a"}"#))
            _ = try asked(try await broker.call(request))
            let rules = try #require(fixture.kernel.state.withLock { $0.approvals.first }).rules
            #expect(rules == ["ask filesystem:workspace:a read at inline.yaml:5"], "\(rules)")
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a no is a refusal with the person's name`() async throws {
        try await BrokerFixture.with { fixture in
            try await fixture.grant("filesystem:workspace:a", [.write], effect: .ask)
            let arguments = #"{"path": "a", "text": "x"}"#
            let id = try asked(try await fixture.completion("write_text_file", arguments))
            try await fixture.kernel.decide(id, false)
            let result = try done(try await fixture.completion("write_text_file", arguments, resumed: id))
            #expect(!result.isOK && result.denial?.layer == .human && result.denial?.rule == id.text)
            #expect(!HostFile.exists(fixture.sandbox.path("a")))
        }
    }

    @Test(.timeLimit(.minutes(1))) func `a counted use is taken by an action that ran and given back by one that did not`() async throws {
        try await BrokerFixture.with { fixture in
            try fixture.sandbox.file("a", "A")
            let used = try await fixture.grant("filesystem:workspace:a", [.read], uses: 1)
            #expect(try await fixture.call("read_text_file", #"{"path": "a"}"#).isOK)
            #expect(try await fixture.capability(used.id)?.status == .consumed)
            #expect(try await fixture.call("read_text_file", #"{"path": "a"}"#).decision == .deny)

            let kept = try await fixture.grant("filesystem:workspace:absent", [.read], uses: 1)
            #expect(try await fixture.call("read_text_file", #"{"path": "absent"}"#).isOK == false)
            let after = try #require(try await fixture.capability(kept.id))
            #expect(after.usesRemaining == 1 && after.reservations.isEmpty && after.status == .active, "nothing ran")

            let deletion = try await fixture.grant("filesystem:workspace:absent", [.delete], uses: 1)
            #expect(try await fixture.call("delete_file", #"{"path": "absent"}"#).isOK == false)
            #expect(try await fixture.capability(deletion.id)?.usesRemaining == 1)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `what a person is shown holds no control characters and no fact of the workspace`() async throws {
        try await BrokerFixture.with(
            tools: [
                PerlTool.manifest(#"result(ask('filesystem.write_text', '{"path":"a","text":"x\u001b[2Jy"}'))"#, policy: "workspace")
            ]
        ) { fixture in
            try await fixture.grant("filesystem:workspace:a", [.write], effect: .ask)
            fixture.kernel.state.withLock { $0.settlement = true }
            _ = try await fixture.call("perl_tool", "{}")
            let facts = try #require(fixture.kernel.state.withLock { $0.approvals.first }).facts
            #expect(facts["content_preview"] == .string("x\\u{1b}[2Jy") && facts["content_bytes"] == .int(6))
            #expect(facts["target"] == nil)
        }
    }
}
