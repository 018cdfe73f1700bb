import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import StrictJSON
import Testing

struct ExplanationTests {
    @Test("every record that speaks of it, in force or not, and who decides") func explain() async throws {
        let world = try await World()
        let wide = try await world.grant("allow filesystem:workspace:* read")
        let ended = try await world.grant("deny filesystem:workspace:src read") { $0.expiresAt = world.later(5) }
        let old = try await world.grant("ask filesystem:workspace:src read")
        let deciding = try await world.grant("allow filesystem:workspace:src read")
        let revoked = try await world.grant("deny filesystem:workspace:src/a read")
        try await world.grant("allow filesystem:workspace:docs read")
        try await world.grant("allow filesystem:workspace:src write")
        try await world.write { (tx, broker) throws(LibOSError) in _ = try broker.revoke(revoked.id, by: World.owner, in: tx) }
        world.clock.advance(seconds: 5)
        let request = AuthorizationRequest(subject: world.parent, needs: [try NeededRight("filesystem:workspace:src/a read")])
        let explanation = try await world.write { (tx, broker) throws(LibOSError) in try broker.explain(request, in: tx) }
        let right = try present(explanation.rights.first)
        #expect(right.records.map(\.record.id) == [wide.id, ended.id, old.id, deciding.id, revoked.id])
        #expect(right.records.map(\.isDeciding) == [false, false, false, true, false])
        #expect(
            right.records.map(\.standing) == [
                "is wider than the deciding one", "expired at \(world.now)", "is older than the deciding one", "decides",
                "has ended (revoked)",
            ])
        #expect(explanation.text.contains("* \(deciding.id) allow filesystem:workspace:src read"))
        #expect(explanation.json["decision"]?["effect"] == .string("allow"))
        #expect(explanation.json["decision"]?["selected"] == .string(deciding.id.text))
    }

    @Test("a missing grant is named, and a deny outweighs") func denied() async throws {
        let world = try await World()
        let request = AuthorizationRequest(subject: world.parent, needs: [try NeededRight("filesystem:workspace:a read")])
        let missing = try await world.write { (tx, broker) throws(LibOSError) in try broker.explain(request, in: tx) }
        #expect(
            missing.text.contains("no record speaks of it") && missing.text.contains("smallest change: allow filesystem:workspace:a read"))
        try await world.grant("deny filesystem:workspace:* read")
        try await world.grant("allow filesystem:workspace:a read")
        let denied = try await world.write { (tx, broker) throws(LibOSError) in try broker.explain(request, in: tx) }
        #expect(denied.rights[0].records.map(\.standing) == ["decides", "is outweighed by the deny"])
    }

    @Test("the line of issuers, and names of others do not steer a terminal") func line() async throws {
        let world = try await World()
        let root = try await world.grant("allow filesystem:workspace:* read") { $0.isDelegable = true }
        let (parent, child, terms) = (world.parent, world.child, try CapabilityTerms("allow filesystem:workspace:a read"))
        let record = try await world.write { (tx, broker) throws(LibOSError) in
            try broker.delegate(root.id, terms, to: child, by: parent, in: tx)
        }
        let decision = try await world.decide("filesystem:workspace:a read", by: child)
        #expect(decision.issuers.map(\.capability) == [record.id, root.id])
        #expect(decision.issuers.map(\.issuedBy) == [parent.text, "human:owner"])
        let hostile = CapabilityActor.human("eve\u{1B}[2J")
        let given = try CapabilityTerms("allow filesystem:workspace:b read")
        try await world.write { (tx, broker) throws(LibOSError) in _ = try broker.grant(given, to: child, by: hostile, in: tx) }
        let request = AuthorizationRequest(subject: child, needs: [try NeededRight("filesystem:workspace:b read")])
        let explanation = try await world.write { (tx, broker) throws(LibOSError) in try broker.explain(request, in: tx) }
        #expect(!explanation.text.utf8.contains(0x1B))
    }
}
