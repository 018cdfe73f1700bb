import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import StrictJSON
import Testing

struct AttenuationTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var name: String
        var isAllowed: Bool
        var record = "allow filesystem:workspace:src read,write"
        var terms: @Sendable (inout CapabilityTerms, World) -> Void = { _, _ in }
        var others: [String] = []
        var change: @Sendable (inout Attenuation, World) throws -> Void
        var testDescription: String { name }
    }

    /// By the holder itself.
    static let rows = [
        Row(name: "fewer rights", isAllowed: true) { change, _ in change.rights = [.read] },
        Row(name: "no rights", isAllowed: false) { change, _ in change.rights = [] },
        Row(name: "other rights", isAllowed: false) { change, _ in change.rights = [.read, .delete] },
        Row(name: "a part", isAllowed: true) { change, _ in change.resource = try Resource.parse("filesystem:workspace:src/a") },
        Row(name: "a wider place", isAllowed: false) { change, _ in change.resource = try Resource.parse("filesystem:workspace:*") },
        Row(name: "another place", isAllowed: false) { change, _ in change.resource = try Resource.parse("filesystem:workspace:src2") },
        Row(name: "an end", isAllowed: true) { $0.expiresAt = $1.later(5) },
        Row(name: "a later end", isAllowed: false, terms: { $0.expiresAt = $1.later(5) }) { $0.expiresAt = $1.later(6) },
        Row(name: "an end that has passed", isAllowed: false) { $0.expiresAt = $1.now },
        Row(name: "a number of uses", isAllowed: true) { change, _ in change.uses = 3 },
        Row(name: "more uses", isAllowed: false, terms: { terms, _ in terms.uses = 3 }) { change, _ in change.uses = 4 },
        Row(name: "no use", isAllowed: false) { change, _ in change.uses = 0 },
        Row(name: "overflowing uses", isAllowed: false, terms: { terms, _ in terms.uses = 3 }) { change, _ in change.uses = .max },
        Row(name: "a condition", isAllowed: true) { change, _ in change.constraints = CapabilityConstraints(tools: ["x"]) },
        Row(name: "an unknown condition", isAllowed: false) { change, _ in change.constraints = CapabilityConstraints(unknown: ["x"]) },
        Row(name: "not delegable", isAllowed: true, terms: { terms, _ in terms.isDelegable = true }) { change, _ in
            change.isDelegable = false
        },
        Row(name: "delegable", isAllowed: false) { change, _ in change.isDelegable = true },
        Row(name: "less depth", isAllowed: true, terms: { terms, _ in terms.maxDelegationDepth = 2 }) { change, _ in
            change.maxDelegationDepth = 1
        },
        Row(name: "more depth", isAllowed: false, terms: { terms, _ in terms.maxDelegationDepth = 2 }) { change, _ in
            change.maxDelegationDepth = 3
        },
        Row(name: "a deny", isAllowed: false, record: "deny filesystem:workspace:src read,write") { change, _ in change.rights = [.read] },
        Row(name: "an ask", isAllowed: false, record: "ask filesystem:workspace:src read,write") { change, _ in change.rights = [.read] },
        // Narrower decides before wider: a record must not be narrowed past one that asks.
        Row(name: "past an ask", isAllowed: false, others: ["ask filesystem:workspace:src/a read"]) { change, _ in
            change.resource = try Resource.parse("filesystem:workspace:src/a/b")
        },
        Row(name: "past an ask at the same place", isAllowed: false, others: ["ask filesystem:workspace:src/a read"]) { change, _ in
            change.resource = try Resource.parse("filesystem:workspace:src/a")
        },
        Row(
            name: "conditional, which may stand before a wider allow", isAllowed: false,
            terms: { terms, _ in terms.constraints.tools = ["x"] }
        ) {
            change, _ in change.rights = [.read]
        },
    ]

    @Test("narrowing by the holder", arguments: rows) func attenuate(_ row: Row) async throws {
        let world = try await World()
        let record = try await world.grant(row.record) { row.terms(&$0, world) }
        for other in row.others { try await world.grant(other) }
        var change = Attenuation()
        try row.change(&change, world)
        let (given, holder) = (change, world.parent)
        let refusal = await world.refusal { (transaction, broker) throws(LibOSError) in
            try broker.attenuate(record.id, given, by: .process(holder), in: transaction)
        }
        #expect((refusal == nil) == row.isAllowed, "\(refusal?.message ?? "narrowed")")
        let now = try present(try await world.record(record.id))
        #expect((now == record) == !row.isAllowed)
        #expect(now.id == record.id && now.rights.isSubset(of: record.rights) && record.resource.covers(now.resource))
        #expect(try await world.audit("capability.attenuate").count == (row.isAllowed ? 1 : 0))
    }

    @Test("others may not narrow; trusted code and the issuer may") func who() async throws {
        let world = try await World()
        let root = try await world.grant("allow filesystem:workspace:src read,write") { $0.isDelegable = true }
        let (parent, child, stranger) = (world.parent, world.child, world.stranger)
        let terms = try CapabilityTerms("allow filesystem:workspace:src read,write")
        let record = try await world.write { (transaction, broker) throws(LibOSError) in
            try broker.delegate(root.id, terms, to: child, by: parent, in: transaction)
        }
        let refusal = await world.refusal { (transaction, broker) throws(LibOSError) in
            try broker.attenuate(record.id, Attenuation(rights: [.read]), by: .process(stranger), in: transaction)
        }
        #expect(refusal?.code == .denied)
        for actor in [CapabilityActor.process(parent), World.owner] {
            try await world.write { (transaction, broker) throws(LibOSError) in
                _ = try broker.attenuate(record.id, Attenuation(rights: [.read]), by: actor, in: transaction)
            }
        }
        #expect(try await world.effect("filesystem:workspace:src write", by: child) == .deny)
    }

    @Test("children that do not fit any more fall, with what hangs below them") func children() async throws {
        let world = try await World()
        let root = try await world.grant("allow filesystem:workspace:* read,write") { $0.isDelegable = true }
        let (parent, child, stranger) = (world.parent, world.child, world.stranger)
        var fitting = try CapabilityTerms("allow filesystem:workspace:src/a read")
        fitting.isDelegable = true
        var wide = try CapabilityTerms("allow filesystem:workspace:docs read")
        wide.isDelegable = true
        let (small, large) = (fitting, wide)
        try await world.write { (transaction, broker) throws(LibOSError) in
            let first = try broker.delegate(root.id, small, to: child, by: parent, in: transaction)
            let second = try broker.delegate(root.id, large, to: child, by: parent, in: transaction)
            _ = try broker.delegate(first.id, small, to: stranger, by: child, in: transaction)
            _ = try broker.delegate(second.id, large, to: stranger, by: child, in: transaction)
        }
        let src = try Resource.parse("filesystem:workspace:src")
        try await world.write { (transaction, broker) throws(LibOSError) in
            _ = try broker.attenuate(root.id, Attenuation(resource: src), by: World.owner, in: transaction)
        }
        for subject in [child, stranger] {
            #expect(try await world.effect("filesystem:workspace:src/a read", by: subject) == .allow)
            #expect(try await world.effect("filesystem:workspace:docs read", by: subject) == .deny)
        }
        #expect(try await world.audit("capability.disable").count == 2)
    }
}
