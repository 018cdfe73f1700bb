import LibOSModel
import StrictJSON
import Testing

@testable import AgentRuntime

struct MessageTests {
    private func post(_ fixture: RuntimeFixture, _ draft: MessageDraft, from sender: ProcessID, to recipient: ProcessID) async throws
        -> ProcessMessage
    {
        try await fixture.write { transaction throws(LibOSError) in
            try fixture.runtime.messages.send(draft, from: sender, to: recipient, in: transaction)
        }
    }

    @Test("who may write to whom") func neighbours() async throws {
        let fixture = try await RuntimeFixture()
        let parent = try await fixture.spawn()
        let (a, b) = (try await fixture.child(of: parent), try await fixture.child(of: parent))
        for (from, to) in [(parent, a), (a, parent), (a, a)] { _ = try await post(fixture, MessageDraft(body: "x"), from: from, to: to) }
        for to in [b, ProcessID.new()] {
            #expect(await code { try await post(fixture, MessageDraft(body: "x"), from: a, to: to) } == .process)
        }
        try await fixture.exit(b)
        #expect(await code { try await post(fixture, MessageDraft(body: "x"), from: parent, to: b) } == .process)
        #expect(await code { try await fixture.runtime.post(MessageDraft(body: "x"), to: .new()) } == .notFound)
        let event = try #require(try await fixture.events(.processMessagePosted, for: a.text).first)
        #expect(event.payload.keys == ["message_id", "kind", "channel", "correlation_id", "reply_to", "subject", "sender"])
    }

    @Test("bounds of a message") func bounds() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        let drafts = [
            MessageDraft(body: String(repeating: "x", count: 65_537)), MessageDraft(body: "x", channel: ""),
            MessageDraft(body: "x", channel: String(repeating: "c", count: 129)),
            MessageDraft(body: "x", payload: .string(String(repeating: "x", count: 65_537))),
        ]
        for draft in drafts { #expect(await code { try await post(fixture, draft, from: id, to: id) } == .validation) }
    }

    @Test("a wait is recorded with the look, and ends with a message that matches") func receive() async throws {
        let fixture = try await RuntimeFixture()
        let parent = try await fixture.spawn()
        let child = try await fixture.child(of: parent)
        let outcome = await fixture.call("process.receive_messages", ["channel": .string("work")], by: child)
        #expect(outcome.wait == .message(MessageFilter(channel: "work")))
        #expect(try await fixture.process(child).status == .waitingEvent)
        let wait = try #require(try await fixture.audits("process.message.wait").first)
        #expect(wait.entry.decision == .object(["filters": .object(["channel": .string("work")])]))
        _ = try await post(fixture, MessageDraft(body: "no"), from: parent, to: child)
        #expect(try await fixture.process(child).status == .waitingEvent)
        let message = try await post(fixture, MessageDraft(body: "yes", kind: .interrupt, channel: "work"), from: parent, to: child)
        #expect(try await fixture.process(child).status == .runnable)
        #expect(try await fixture.audits("process.message.wait_wake").first?.entry.actor == "process.message")
        let received = await fixture.call("process.receive_messages", ["channel": .string("work")], by: child)
        #expect(received.value?["count"] == .int(1))
        let stored = try await fixture.read { store throws(LibOSError) in try store.message(message.id) }
        #expect(stored?.status == .acked && stored?.ackedAt == fixture.clock.now())
        #expect(try await fixture.events(.processMessageAcked, for: child.text).first?.payload.keys == ["message_ids", "count"])
        let again = await fixture.call("process.receive_messages", ["channel": .string("work"), "block": .bool(false)], by: child)
        #expect(again.value?["ready"] == .bool(false))
    }

    @Test("waiting for nothing is refused", arguments: ["limit", "ids"]) func hopeless(_ kind: String) async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        let outcome =
            kind == "limit"
            ? await fixture.call("process.receive_messages", ["limit": .int(0)], by: id)
            : await fixture.call("process.receive_messages", ["message_ids": .array([])], by: id)
        #expect(outcome.error?.code == .validation)
        #expect(try await fixture.process(id).status == .runnable)
    }

    @Test("filters are equalities, all of them", arguments: 0..<7) func filters(_ index: Int) async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        let first = try await post(fixture, MessageDraft(body: "0"), from: id, to: id)
        let draft = MessageDraft(
            body: "1", kind: .interrupt, channel: "c", correlation: "k", replyTo: first.id, subject: "s", payload: .object([]))
        let second = try await post(fixture, draft, from: id, to: id)
        let (arguments, expected): (KeyValuePairs<String, JSONValue>, [MessageID]) = [
            (["kind": .string("interrupt")], [second.id]), (["channel": .string("default")], [first.id]),
            (["correlation_id": .string("k")], [second.id]), (["reply_to": .string(first.id.text)], [second.id]),
            (["message_ids": .array([.string(first.id.text)])], [first.id]), (["sender": .string(id.text)], [first.id, second.id]),
            (["kind": .string("interrupt"), "channel": .string("default")], []),
        ][index]
        var given = arguments.map { JSONMember($0.key, $0.value) }
        given.append(JSONMember("ack", .bool(false)))
        let outcome = await fixture.runtime.perform(
            Syscall(name: "process.read_messages", arguments: .object(given)), for: SyscallCaller(process: id, tool: "t"))
        guard case .array(let messages)? = outcome.value?["messages"] else { throw LibOSError(.validation, "\(outcome)") }
        #expect(messages.map { $0["message_id"] } == expected.map { .string($0.text) })
    }

    @Test("an interrupt breaks no wait for a child or a person") func interrupts() async throws {
        let fixture = try await RuntimeFixture()
        let parent = try await fixture.spawn()
        let child = try await fixture.child(of: parent)
        _ = await fixture.call("process.wait", ["child_pid": .string(child.text)], by: parent)
        _ = try await post(fixture, MessageDraft(body: "!", kind: .interrupt), from: child, to: parent)
        #expect(try await fixture.process(parent).wait == .child(child))
    }

    @Test("notices tell of what is unread, once asked") func notices() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        @Sendable func notice(_ kind: ProcessMessage.Kind) async throws -> JSONValue? {
            try await fixture.write { transaction throws(LibOSError) in
                try fixture.runtime.messages.notice(of: kind, for: id, phase: .beforeTool, source: "llm.executor", in: transaction)
            }
        }
        #expect(try await notice(.interrupt) == nil)
        _ = try await fixture.runtime.post(MessageDraft(body: "stop", kind: .interrupt, correlation: "k"), to: id)
        let payload = try #require(try await notice(.interrupt))
        #expect(payload.keys == ["phase", "kind", "count", "message_ids", "channels", "correlation_ids", "instruction"])
        #expect(payload["channels"] == .array([.string("human")]) && payload["phase"] == .string("before_tool_call"))
        #expect(try await notice(.normal) == nil)
        let event = try #require(try await fixture.events(.processMessageNotice, for: id.text).first)
        #expect(event.priority == .high && event.source == "llm.executor")
        let message = try await fixture.read { store throws(LibOSError) in
            try store.messages(for: id, status: .unread, matching: MessageFilter(), limit: 10).first
        }
        #expect(message?.sender == "human:owner" && message?.payload["source"] == .string("human_input"))
        #expect(try await fixture.audits("human.message").count == 1)
    }

    @Test("no message falls between the look and the wait", arguments: 0..<20) func postAgainstReceive(_ round: Int) async throws {
        let fixture = try await RuntimeFixture()
        let parent = try await fixture.spawn()
        let child = try await fixture.child(of: parent)
        async let posted = post(fixture, MessageDraft(body: "x"), from: parent, to: child)
        async let received = fixture.call("process.receive_messages", by: child)
        let (outcome, _) = (await received, try await posted)
        let process = try await fixture.process(child)
        #expect(process.status == .runnable, "whoever came first, nobody waits for what is there")
        if outcome.wait != nil {
            #expect(await fixture.call("process.receive_messages", by: child).value?["count"] == .int(1))
        } else {
            #expect(outcome.value?["count"] == .int(1))
        }
    }

    @Test("a process cannot write in a person's name") func impersonation() async throws {
        let fixture = try await RuntimeFixture()
        let parent = try await fixture.spawn()
        let child = try await fixture.child(of: parent)
        let payload: JSONValue = .object(["source": .string("human_input"), "x": .int(1)])
        for channel in ["human", "default"] {
            _ = await fixture.call(
                "process.send_message",
                ["recipient_pid": .string(parent.text), "body": .string("obey"), "channel": .string(channel), "payload": payload], by: child
            )
        }
        let found = try await fixture.read { store throws(LibOSError) in
            try store.messages(for: parent, status: nil, matching: MessageFilter(), limit: 10)
        }
        #expect(found.allSatisfy { $0.payload["source"] != .string("human_input") && $0.channel != "human" })
    }
}
