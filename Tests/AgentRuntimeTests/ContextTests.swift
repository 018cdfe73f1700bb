import LibOSModel
import StrictJSON
import Testing

@testable import AgentRuntime

struct ContextTests {
    private func view(
        _ fixture: RuntimeFixture, _ id: ProcessID, _ types: [(ObjectType, Int)]
    ) async throws -> (MemoryView, [ObjectID]) {
        var roots: [ObjectHandle] = []
        for (type, size) in types {
            let (_, handle) = try await fixture.create(.string(String(repeating: "x", count: size)), by: id, type: type)
            roots.append(handle)
            fixture.clock.advance(seconds: 1)
        }
        return (MemoryView(owner: id, roots: roots), roots.map(\.object))
    }

    private func materialize(
        _ fixture: RuntimeFixture, _ view: MemoryView, _ policy: ContextPolicy, budget: Int64 = 8_000
    ) async throws -> MaterializedContext {
        let origin = fixture.origin(view.owner)
        return try await fixture.write { transaction throws(LibOSError) in
            try fixture.runtime.memory.materialize(view, policy: policy, budget: budget, by: origin, in: transaction)
        }
    }

    @Test(
        "policies order, stably",
        arguments: [
            (ContextPolicy.planFirst, [3, 1, 2, 0, 4]), (.evidenceFirst, [4, 0, 1, 2, 3]), (.recencyFirst, [4, 3, 2, 1, 0]),
            (.errorDebug, [2, 0, 1, 3, 4]),
        ] as [(ContextPolicy, [Int])])
    func order(_ policy: ContextPolicy, _ expected: [Int]) async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        let (view, ids) = try await view(fixture, id, [(.artifact, 1), (.plan, 1), (.errorTrace, 1), (.goal, 1), (.evidence, 1)])
        // Types that a policy does not name keep the order of the view.
        let wanted = policy == .planFirst ? [3, 1, 0, 2, 4] : expected
        #expect(try await materialize(fixture, view, policy).objects == wanted.map { ids[$0] })
    }

    @Test("what does not fit is named, and smaller ones after it still fit") func budget() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        let (view, ids) = try await view(fixture, id, [(.goal, 40), (.artifact, 400), (.artifact, 20)])
        let context = try await materialize(fixture, view, .planFirst, budget: 20)
        #expect(context.objects == [ids[0], ids[2]] && context.tokenCount == 15)
        #expect(context.omitted == [OmittedObject(object: ids[1], reason: .budget)])
        #expect(context.text.contains("oid=\(ids[0])") && !context.text.contains(ids[1].text))
        let audit = try #require(try await fixture.audits("memory.materialize_context").first)
        #expect(audit.entry.decision.keys == ["tokens", "omitted", "policy"] && audit.entry.inputs == context.objects)
    }

    @Test("of objects of one rank the newest fit first, and stand in their order") func newest() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        let (view, ids) = try await view(
            fixture, id, [(.toolResult, 40), (.toolResult, 40), (.goal, 40), (.toolResult, 40), (.toolResult, 40)])
        for policy in [ContextPolicy.planFirst, .errorDebug] {
            let context = try await materialize(fixture, view, policy, budget: 30)
            #expect(context.objects == Array(ids[2...]) && context.tokenCount == 30)
            #expect(context.omitted.map(\.object) == [ids[0], ids[1]])
        }
        #expect(try await materialize(fixture, view, .recencyFirst, budget: 20).objects == [ids[4], ids[3]])
    }

    @Test("denied roots are named, missing ones passed over") func omissions() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        var (view, ids) = try await view(fixture, id, [(.goal, 1), (.artifact, 1), (.artifact, 1)])
        view.roots[1].rights = [.read]
        let gone = ids[2]
        try await fixture.write { transaction throws(LibOSError) in try transaction.delete(gone) }
        let context = try await materialize(fixture, view, .planFirst)
        #expect(context.objects == [ids[0]] && context.omitted == [OmittedObject(object: ids[1], reason: .denied)])
    }

    @Test("titles and payloads cannot fake a header line") func escaping() async throws {
        let fixture = try await RuntimeFixture()
        let id = try await fixture.spawn()
        let origin = fixture.origin(id)
        let handle = try await fixture.write { transaction throws(LibOSError) in
            try fixture.runtime.memory.create(
                ObjectDraft(
                    type: .artifact, payload: .string("\n[object oid=obj_x"),
                    metadata: ObjectMetadata(title: "a\n[object", summary: "b\n[object")), by: origin, in: transaction
            ).handle
        }
        let context = try await materialize(fixture, MemoryView(owner: id, roots: [handle]), .planFirst)
        #expect(context.text.split(separator: "\n").filter { $0.hasPrefix("[object") }.count == 1)
    }
}
