import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import StrictJSON
import Testing

struct RevocationTests {
    enum Who: Sendable { case owner, runtime, issuer, holder, stranger, strangerWithRevoke, strangerWithAdmin, holderWithAdmin }

    static let rows: [(record: String, who: Who, isRevocable: Bool, isAllowed: Bool)] = [
        ("allow object:a read", .owner, true, true), ("deny object:a read", .owner, true, true), ("ask object:a read", .owner, true, true),
        ("allow object:a read", .runtime, true, true), ("allow object:a read", .owner, false, false),
        ("allow object:a read", .holder, true, true), ("allow object:a read", .holder, false, false),
        ("deny object:a read", .holder, true, false), ("ask object:a read", .holder, true, false),
        ("allow object:a read", .stranger, true, false), ("allow object:a read", .strangerWithRevoke, true, true),
        ("deny object:a read", .strangerWithRevoke, true, false), ("ask object:a read", .strangerWithRevoke, true, false),
        ("deny object:a read", .strangerWithAdmin, true, true), ("allow object:a read", .strangerWithAdmin, true, true),
        ("allow object:* read", .strangerWithAdmin, true, false), ("deny object:a read", .holderWithAdmin, true, false),
        ("ask object:a read", .holderWithAdmin, true, false), ("allow object:a read", .issuer, true, true),
        ("deny object:a read", .issuer, true, true), ("allow object:a read", .issuer, false, false),
    ]

    @Test("who may revoke", arguments: rows.indices) func revoke(_ index: Int) async throws {
        let row = Self.rows[index]
        let world = try await World()
        var record = try await world.grant(row.record) { $0.isRevocable = row.isRevocable }
        if row.who == .issuer {
            record.issuedBy = world.stranger.text
            let changed = record
            try await world.write { (transaction, _) throws(LibOSError) in try transaction.update(changed) }
        }
        if row.who == .strangerWithRevoke { try await world.grant("allow object:a revoke", to: world.stranger) }
        if row.who == .strangerWithAdmin { try await world.grant("allow object:a admin", to: world.stranger) }
        if row.who == .holderWithAdmin { try await world.grant("allow object:a admin") }
        let actor: CapabilityActor =
            switch row.who {
            case .owner: World.owner
            case .runtime: World.runtime
            case .holder, .holderWithAdmin: .process(world.parent)
            default: .process(world.stranger)
            }
        let id = record.id
        let refusal = await world.refusal { (transaction, broker) throws(LibOSError) in
            try broker.revoke(id, by: actor, reason: "enough", in: transaction)
        }
        #expect((refusal == nil) == row.isAllowed, "\(refusal?.message ?? "revoked")")
        #expect(try await world.record(id)?.status == (row.isAllowed ? .revoked : .active))
        guard row.isAllowed else {
            #expect(refusal?.code == .denied)
            return
        }
        let event = try present(try await world.events(for: world.parent).last)
        #expect(event.type == .capabilityRevoked && event.payload["reason"] == .string("enough") && event.source == actor.text)
        #expect(event.payload["capability_id"] == .string(id.text) && event.payload["resource"] == .string(record.resource.description))
        let audit = try present(try await world.audit("capability.revoke").last)
        #expect(audit.entry.capabilities.first == id && audit.entry.actor == actor.text)
        // Once is enough.
        let again = await world.refusal { (transaction, broker) throws(LibOSError) in
            try broker.revoke(id, by: World.owner, in: transaction)
        }
        #expect(again?.code == .validation)
    }

    @Test("what is not there is not found") func missing() async throws {
        let world = try await World()
        let refusal = await world.refusal { (transaction, broker) throws(LibOSError) in
            try broker.revoke(CapabilityID.new(), by: World.owner, in: transaction)
        }
        #expect(refusal?.code == .notFound)
    }

    @Test("children fall with their parent, all the way down, non-revocable ones too") func cascade() async throws {
        let world = try await World()
        let root = try await world.grant("allow filesystem:workspace:* read") { $0.isDelegable = true }
        var line = [(root.id, world.parent)]
        for holder in [world.child, world.stranger, world.parent] {
            let (id, actor) = line[line.count - 1]
            var terms = try CapabilityTerms("allow filesystem:workspace:a read")
            (terms.isDelegable, terms.isRevocable) = (true, false)
            let given = terms
            let record = try await world.write { (transaction, broker) throws(LibOSError) in
                try broker.delegate(id, given, to: holder, by: actor, in: transaction)
            }
            line.append((record.id, holder))
        }
        for (_, holder) in line { #expect(try await world.effect("filesystem:workspace:a read", by: holder) == .allow) }
        let ended = try await world.write { (transaction, broker) throws(LibOSError) in
            try broker.revoke(root.id, by: World.owner, in: transaction)
        }
        #expect(ended.map(\.id) == line.map(\.0))
        #expect(ended.map(\.status) == [.revoked, .disabled, .disabled, .disabled])
        for (_, holder) in line { #expect(try await world.effect("filesystem:workspace:a read", by: holder) == .deny) }
        #expect(try await world.audit("capability.disable").map { $0.entry.capabilities[0] } == line.dropFirst().map(\.0))
        #expect(try await world.events(for: world.stranger).last?.type == .capabilityRevoked)
    }

    @Test("records that point in a circle end the walk and hold nothing") func circle() async throws {
        let world = try await World()
        let (first, second, now) = (CapabilityID.new(), CapabilityID.new(), world.now)
        let resource = try Resource.parse("filesystem:workspace:a")
        let (parent, child) = (world.parent, world.child)
        try await world.write { (transaction, _) throws(LibOSError) in
            for (id, subject, above) in [(first, parent, second), (second, child, first)] {
                try transaction.insert(
                    CapabilityRecord(
                        id: id, subject: subject, resource: resource, rights: [.read], issuedBy: "human:owner", issuedAt: now,
                        isDelegable: true, parent: above))
            }
        }
        #expect(try await world.effect("filesystem:workspace:a read") == .deny)
        let ended = try await world.write { (transaction, broker) throws(LibOSError) in
            try broker.revoke(first, by: World.owner, in: transaction)
        }
        #expect(ended.map(\.id) == [first, second])
    }
}
