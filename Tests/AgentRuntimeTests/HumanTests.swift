import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import StrictJSON
import Testing

@testable import AgentRuntime

struct HumanTests {
    private let yes = HumanDecision(responder: "human:owner", isApproved: true, answer: "blue")
    private let no = HumanDecision(responder: "human:owner", isApproved: false, reason: "not today")

    private func approval(_ hash: String = "aa") throws -> ApprovalRequest {
        ApprovalRequest(
            // Members in an order that no store keeps.
            tool: "write", arguments: .object(["path": .string("a"), "content": .string("text")]), actionHash: hash, policyHash: "",
            needs: [NeededRight(resource: try Resource.parse("filesystem:workspace:a"), rights: [.write])],
            facts: .object(["working_directory": .string("."), "adapter": .string("channel")]))
    }

    private func ask(_ fixture: RuntimeFixture, _ request: ApprovalRequest, for id: ProcessID) async throws -> HumanRequestID {
        try await fixture.write { transaction throws(LibOSError) in try fixture.runtime.ask(request, for: id, in: transaction) }
    }

    @Test("a question waits, is answered once, and the repeated action hears the answer") func question() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        let outcome = await fixture.call("human.ask", ["question": .string("Which?")], by: id)
        let request = try #require(try await fixture.pending().first)
        #expect(outcome.wait == .human([request.id]) && request.human == "owner" && request.isBlocking)
        #expect(try await fixture.process(id).status == .waitingHuman)
        let event = try #require(try await fixture.events(.humanQuery, for: "human:owner").first)
        #expect(event.source == id.text && event.payload.keys == ["request_id", "request", "blocking"])
        #expect(event.payload["request"]?["type"] == .string("question"))
        #expect(
            await code { try await fixture.runtime.decide(request.id, HumanDecision(responder: "human:owner", isApproved: true)) }
                == .validation)
        #expect(try await fixture.runtime.decide(request.id, yes).status == .approved)
        #expect(try await fixture.process(id).status == .runnable)
        let answer = await fixture.call("human.ask", ["question": .string("Which?")], by: id, resumed: request.id)
        #expect(answer.value?["answer"] == .string("blue"))
        let response = try #require(try await fixture.events(.humanResponse, for: id.text).first)
        #expect(response.source == "human:owner" && response.payload.keys == ["request_id", "status", "decision"])
        for action in ["human.response", "human.query"] { #expect(try await fixture.audits(action).count == 1) }
    }

    @Test("another question is not answered by the decision on this one") func otherQuestion() async throws {
        let fixture = try await RuntimeFixture()
        let (id, other) = (try await fixture.spawn(), try await fixture.spawn())
        _ = await fixture.call("human.ask", ["question": .string("A?")], by: id)
        let request = try #require(try await fixture.pending().first)
        _ = try await fixture.runtime.decide(request.id, yes)
        #expect(await fixture.call("human.ask", ["question": .string("B?")], by: id, resumed: request.id).wait != nil)
        #expect(await fixture.call("human.ask", ["question": .string("A?")], by: other, resumed: request.id).wait != nil)
    }

    @Test("a no lets the process go on and reaches the action as a failure", arguments: ["question", "permission", "approval"])
    func rejection(_ kind: String) async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        switch kind {
        case "question": _ = await fixture.call("human.ask", ["question": .string("?")], by: id)
        case "permission":
            _ = await fixture.call(
                "human.request_permission", ["resource": .string("filesystem:workspace:a"), "rights": .array([.string("read")])], by: id)
        default: _ = try await ask(fixture, try approval(), for: id)
        }
        let request = try #require(try await fixture.pending().first)
        #expect(try await fixture.runtime.decide(request.id, no).status == .rejected)
        #expect(try await fixture.process(id).status == .runnable)
        let outcome = try await fixture.write { transaction throws(LibOSError) in
            do throws(LibOSError) {
                _ = try fixture.runtime.humans.outcome(of: request.id, for: id, in: transaction)
                return LibOSError?.none
            } catch { return error }
        }
        #expect(outcome?.code == .denied && outcome?.denial?.layer == .human && outcome?.mend?.contains("not today") == true)
        if kind == "question" {
            #expect(await fixture.call("human.ask", ["question": .string("?")], by: id, resumed: request.id).error?.code == .denied)
        }
    }

    @Test("deciding twice is refused, also at the same time", arguments: 0..<10) func doubleDecision(_ round: Int) async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        let request = try await ask(fixture, try approval(), for: id)
        let (yes, no) = (yes, no)
        async let first = code { try await fixture.runtime.decide(request, yes) }
        async let second = code { try await fixture.runtime.decide(request, no) }
        let codes = [await first, await second]
        #expect(codes.filter { $0 == nil }.count == 1 && codes.filter { $0 == .validation }.count == 1)
        let (stored, granted) = try await fixture.read { store throws(LibOSError) in
            (try store.humanRequest(request), try store.capabilities(of: id).filter { $0.constraints.actionHash != nil }.count)
        }
        #expect(granted == (stored?.status == .approved ? 1 : 0))
    }

    @Test("only the person that was asked decides, or the owner") func entitlement() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn(extra: [try RuntimeFixture.terms("human:alice", [.write])])
        _ = await fixture.call("human.ask", ["question": .string("?"), "human": .string("alice")], by: id)
        let request = try #require(try await fixture.runtime.pendingRequests(human: "alice").first)
        #expect(try await fixture.runtime.pendingRequests(human: "owner").isEmpty)
        for responder in ["human:bob", "alice", "runtime", id.text, "human:", "human:owner "] {
            let decision = HumanDecision(responder: responder, isApproved: true, answer: "x")
            #expect(await code { try await fixture.runtime.decide(request.id, decision) } == .denied, "\(responder)")
        }
        #expect(
            try await fixture.runtime.decide(request.id, HumanDecision(responder: "human:alice", isApproved: true, answer: "x")).status
                == .approved)
    }

    @Test("no question without authority for the person") func authority() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.runtime.spawn(SpawnRequest(goal: .standard)).id
        for (name, arguments) in [
            ("human.ask", ["question": .string("?")]), ("human.output", ["message": .string("m")]),
            ("human.request_permission", ["resource": .string("filesystem:workspace:a"), "rights": .array([.string("read")])]),
        ] as [(String, KeyValuePairs<String, JSONValue>)] {
            #expect(await fixture.call(name, arguments, by: id).error?.code == .denied, "\(name)")
        }
        #expect(try await fixture.pending().isEmpty)
    }

    @Test(
        "a permission is remembered for the asking process as it was decided",
        arguments: [(PermissionPolicy.alwaysAllow, true), (.askEachTime, true), (.alwaysDeny, false)])
    func permission(_ policy: PermissionPolicy, _ approved: Bool) async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        let arguments: KeyValuePairs<String, JSONValue> = [
            "resource": .string("filesystem:workspace:a"), "rights": .array([.string("read")]), "reason": .string("r"),
        ]
        _ = await fixture.call("human.request_permission", arguments, by: id)
        let request = try #require(try await fixture.pending().first)
        #expect(request.content.json(subject: id)["requested_permission"]?["subject"] == .string(id.text))
        let once = HumanDecision(responder: "human:owner", isApproved: true, policy: .allowOnce)
        #expect(await code { try await fixture.runtime.decide(request.id, once) } == .validation)
        let contradiction = HumanDecision(responder: "human:owner", isApproved: !approved, policy: policy)
        #expect(await code { try await fixture.runtime.decide(request.id, contradiction) } == .validation)
        _ = try await fixture.runtime.decide(request.id, HumanDecision(responder: "human:owner", isApproved: approved, policy: policy))
        let records = try await fixture.read { store throws(LibOSError) in try store.capabilities(of: id) }
        let record = try #require(records.last)
        #expect(record.subject == id && record.effect == policy.effect && record.issuedBy == "human:owner")
        let outcome = await fixture.call("human.request_permission", arguments, by: id, resumed: request.id)
        #expect((outcome.value?["policy"] == .string(policy.rawValue)) == approved)
    }

    @Test(
        "scopes that are too broad are not even asked",
        arguments: [
            ("shell:*", "execute"), ("filesystem:workspace:*", "write"), ("filesystem:workspace:*", "delete"), ("object:*", "admin"),
        ])
    func broad(_ resource: String, _ right: String) async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        let outcome = await fixture.call(
            "human.request_permission", ["resource": .string(resource), "rights": .array([.string(right)])], by: id)
        #expect(outcome.error?.code == .denied)
        #expect(try await fixture.process(id).status == .runnable)
    }

    @Test("an approval is good for its action alone, once") func approvalOnce() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        let approval = try approval()
        let request = try await ask(fixture, approval, for: id)
        #expect(try await ask(fixture, approval, for: id) == request, "asked again before it is decided, it is the same question")
        _ = try await fixture.runtime.decide(request, yes)
        let authority = fixture.runtime.authority
        @Sendable func take(_ hash: String) async -> LibOSError.Code? {
            await code {
                try await fixture.write { transaction throws(LibOSError) in
                    try authority.require(
                        [.write], on: approval.needs[0].resource, for: ActionOrigin(process: id, tool: "write", actionHash: hash),
                        in: transaction)
                }
            }
        }
        #expect(await take("bb") == .denied)
        #expect(await take("aa") == nil)
        #expect(await take("aa") == .denied)
        let status = try await fixture.read { store throws(LibOSError) in try store.humanRequest(request)?.status }
        #expect(status == .used)
    }

    @Test("an expired request grants nothing, whoever finds it") func expiry() async throws {
        let fixture = try await RuntimeFixture()
        let (first, second) = (try await fixture.spawn(), try await fixture.spawn())
        let request = try await ask(fixture, try approval(), for: first)
        fixture.clock.advance(seconds: 1_800)
        _ = try await ask(fixture, try approval("bb"), for: second)
        fixture.clock.advance(seconds: 1_800)
        #expect(try await fixture.runtime.decide(request, yes).status == .expired)
        #expect(try await fixture.process(first).status == .runnable)
        #expect(try await fixture.pending().count == 1)
        fixture.clock.advance(seconds: 1_800)
        #expect(try await fixture.runtime.expireOverdueRequests() == 1)
        #expect(try await fixture.process(second).status == .runnable)
        let records = try await fixture.read { store throws(LibOSError) in
            try store.capabilities(of: first) + store.capabilities(of: second)
        }
        #expect(records.allSatisfy { $0.constraints.actionHash == nil })
    }

    @Test("people are asked about so many actions of one process at once, and no more") func bounded() async throws {
        let fixture = try await RuntimeFixture()
        let (id, other) = (try await fixture.spawn(), try await fixture.spawn())
        var asked: [HumanRequestID] = []
        for number in 0..<HumanQueue.mostOpenApprovals { asked.append(try await ask(fixture, try approval("a\(number)"), for: id)) }
        #expect(await code { _ = try await ask(fixture, try approval("more"), for: id) } == .denied)
        #expect(try await ask(fixture, try approval("a0"), for: id) == asked[0], "what is asked already is the same question")
        _ = try await ask(fixture, try approval("more"), for: other)
        #expect(try await fixture.pending().count == HumanQueue.mostOpenApprovals + 1)
        _ = try await fixture.runtime.decide(asked[0], no)
        _ = try await ask(fixture, try approval("more"), for: id)
        #expect(await code { _ = try await ask(fixture, try approval("yet more"), for: id) } == .denied)
    }

    @Test("what nobody looked at in time makes room, and is not kept as open") func boundedInTime() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        for number in 0..<HumanQueue.mostOpenApprovals { _ = try await ask(fixture, try approval("a\(number)"), for: id) }
        fixture.clock.advance(seconds: HumanQueue.approvalLifetime)
        let next = try await ask(fixture, try approval("more"), for: id)
        let open = try await fixture.read { store throws(LibOSError) in try store.humanRequests(status: .pending, process: id).map(\.id) }
        #expect(open == [next])
    }

    @Test("several requests of one process: it goes on when all are decided") func several() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        let first = try await ask(fixture, try approval("aa"), for: id)
        let second = try await ask(fixture, try approval("bb"), for: id)
        #expect(try await fixture.process(id).wait == .human([first, second]))
        _ = try await fixture.runtime.decide(second, no)
        #expect(try await fixture.process(id).status == .waitingHuman)
        _ = try await fixture.runtime.decide(first, yes)
        #expect(try await fixture.process(id).status == .runnable)
    }

    @Test("output is delivered at once and its words are in no record") func output() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        #expect(await fixture.call("human.output", ["message": .string("hush-hush")], by: id).value?["delivered"] == .bool(true))
        #expect(try await fixture.process(id).status == .runnable)
        let event = try #require(try await fixture.events(.humanOutput, for: "human:owner").first)
        #expect(event.payload.keys == ["request_id", "channel", "chars"] && event.payload["chars"] == .int(9))
        let audit = try #require(try await fixture.audits("human.output").first)
        #expect(!audit.entry.decision.canonicalText.contains("hush"))
    }

    @Test("the queue is drained in the order of asking, and decided requests are named") func drain() async throws {
        let fixture = try await RuntimeFixture()
        let (a, b, c) = (try await fixture.spawn(), try await fixture.spawn(), try await fixture.spawn())
        let first = try await ask(fixture, try approval(), for: a)
        fixture.clock.advance(seconds: 1)
        _ = await fixture.call("human.ask", ["question": .string("?")], by: b)
        fixture.clock.advance(seconds: 1)
        _ = await fixture.call(
            "human.request_permission", ["resource": .string("filesystem:workspace:a"), "rights": .array([.string("read")])], by: c)
        #expect(try await fixture.runtime.drainHumanQueue(with: AutomaticResponder()).isEmpty)
        let open = try await fixture.pending().map(\.id)
        #expect(open.first == first)
        #expect(try await fixture.runtime.drainHumanQueue(with: AutomaticResponder(approves: true, answer: "x")) == open)
        #expect(try await fixture.pending().isEmpty)
        let audit = try #require(try await fixture.audits("runtime.human_queue_drained").first)
        #expect(audit.entry.decision["request_ids"] == .array(open.map { .string($0.text) }))
    }

    @Test("a syscall that must be asked for waits, is bound by its hash, and is done once") func askedSyscall() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn(extra: [try RuntimeFixture.terms("clock:now", [.read], effect: .ask)])
        let outcome = await fixture.call("clock.now", by: id)
        let request = try #require(try await fixture.pending().first)
        #expect(outcome.wait == .human([request.id]))
        _ = try await fixture.runtime.decide(request.id, yes)
        #expect(await fixture.call("clock.now", by: id, resumed: request.id).value != nil)
        let second = await fixture.call("clock.now", by: id, resumed: request.id)
        #expect(second.wait != nil && second.wait != .human([request.id]))
        let open = try #require(try await fixture.pending().first)
        _ = try await fixture.runtime.decide(open.id, no)
        #expect(await fixture.call("clock.now", by: id, resumed: open.id).error?.code == .denied)
    }

    @Test("a question whose asking had to be approved is asked once") func askedQuestion() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.runtime.spawn(
            SpawnRequest(goal: .standard, capabilities: [try RuntimeFixture.terms("human:owner", [.write], effect: .ask)])
        ).id
        let arguments: KeyValuePairs<String, JSONValue> = ["question": .string("?")]
        _ = await fixture.call("human.ask", arguments, by: id)
        let approval = try #require(try await fixture.pending().first)
        _ = try await fixture.runtime.decide(approval.id, yes)
        _ = await fixture.call("human.ask", arguments, by: id, resumed: approval.id)
        let question = try #require(try await fixture.pending().first)
        #expect(question.content.kind == "question")
        _ = try await fixture.runtime.decide(question.id, yes)
        #expect(await fixture.call("human.ask", arguments, by: id, resumed: question.id).value?["answer"] == .string("blue"))
    }

    @Test("an answer that does not fit leaves its request open") func unfittingAnswer() async throws {
        struct Careless: HumanResponder {
            func decision(for request: HumanRequest) async -> HumanDecision? {
                HumanDecision(responder: request.human == "owner" ? "human:owner" : "human:nobody", isApproved: true)
            }
        }
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        _ = await fixture.call("human.ask", ["question": .string("?")], by: id)
        #expect(try await fixture.runtime.drainHumanQueue(with: Careless()).isEmpty)
        #expect(try await fixture.pending().count == 1)
        #expect(try await fixture.process(id).status == .waitingHuman)
    }
}
