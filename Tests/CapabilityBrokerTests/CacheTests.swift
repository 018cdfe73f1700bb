import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import SQLiteRuntimeStore
import StrictJSON
import Testing

struct CacheTests {
    @Test("what a transaction wrote and undid decides nothing afterwards") func undone() async throws {
        let world = try await World()
        let (subject, secret, open) = (
            world.parent, try CapabilityTerms("allow filesystem:workspace:secret read"),
            try CapabilityTerms("allow filesystem:workspace:a read")
        )
        let wanted = AuthorizationRequest(subject: subject, needs: [try NeededRight("filesystem:workspace:secret read")])
        for _ in 0..<5 {
            // Granted, decided on (and so parsed), undone.
            let undone = await world.refusal { (transaction, broker) throws(LibOSError) in
                try broker.grant(secret, to: subject, by: World.owner, in: transaction)
                guard try broker.authorize(wanted, in: transaction).isAllowed else { throw LibOSError(.validation, "was not allowed") }
                throw LibOSError(.timeout, "undone")
            }
            #expect(undone?.code == .timeout)
            // As many changes as were undone: the count of them alone would be the same.
            try await world.write { (transaction, broker) throws(LibOSError) in
                _ = try broker.grant(open, to: subject, by: World.owner, in: transaction)
            }
            #expect(try await world.effect("filesystem:workspace:secret read") == .deny)
        }
    }

    @Test("a change shows in the same transaction and in the next") func changes() async throws {
        let world = try await World()
        let record = try await world.grant("allow filesystem:workspace:a read")
        let wanted = AuthorizationRequest(subject: world.parent, needs: [try NeededRight("filesystem:workspace:a read")])
        let inside = try await world.write { (transaction, broker) throws(LibOSError) in
            let before = try broker.authorize(wanted, in: transaction).effect
            _ = try broker.revoke(record.id, by: World.owner, in: transaction)
            return [before, try broker.authorize(wanted, in: transaction).effect]
        }
        #expect(inside == [.allow, .deny])
        #expect(try await world.effect("filesystem:workspace:a read") == .deny)
    }

    @Test("a clock that goes back does not bring back what had not been parsed") func clockGoesBack() async throws {
        let world = try await World()
        try await world.grant("deny filesystem:workspace:a read") { $0.expiresAt = world.later(10) }
        try await world.grant("allow filesystem:workspace:a read")
        let request = AuthorizationRequest(subject: world.parent, needs: [try NeededRight("filesystem:workspace:a read")])
        let (late, early) = (world.later(11), world.now)
        let effects = try await world.write { (transaction, broker) throws(LibOSError) in
            [
                try broker.authorize(request, at: late, in: transaction).effect,
                try broker.authorize(request, at: early, in: transaction).effect,
            ]
        }
        #expect(effects == [.allow, .deny])
    }

    @Test("many subjects with few places decide right") func bounded() async throws {
        let world = try await World()
        let small = CapabilityBroker(mostSubjects: 3, mostRecords: 4)
        let subjects = (0..<12).map { _ in ProcessID.new() }
        for (index, subject) in subjects.enumerated() {
            for number in 0...(index % 6) { try await world.grant("allow filesystem:workspace:f\(number) read", to: subject) }
        }
        for _ in 0..<3 {
            for (index, subject) in subjects.enumerated() {
                let request = AuthorizationRequest(subject: subject, needs: [try NeededRight("filesystem:workspace:f\(index % 6) read")])
                let other = AuthorizationRequest(subject: subject, needs: [try NeededRight("filesystem:workspace:f\(index % 6 + 1) read")])
                let effects = try await world.store.read { (store) throws(LibOSError) in
                    [try small.authorize(request, in: store).effect, try small.authorize(other, in: store).effect]
                }
                #expect(effects == [.allow, .deny])
            }
        }
    }

    /// A record that is added is taken over into what was parsed; whoever parses everything anew must come to the same.
    @Test("what grew record by record decides as what was read at once", arguments: [1, 2, 3] as [UInt64])
    func grown(seed: UInt64) async throws {
        let world = try await World()
        var random = SeededGenerator(state: seed)
        let places = ["*", "src", "src/a", "src/a/b", "docs", "docs/b"].map { "filesystem:workspace:\($0)" } + ["process:spawn"]
        let effects = ["allow", "allow", "ask", "deny"]
        var granted: [CapabilityRecord] = []
        for step in 0..<60 {
            let right = Bool.random(using: &random) ? "read" : "write"
            let place = places.randomElement(using: &random) ?? ""
            let isSpawn = place == "process:spawn"
            let text = "\(effects.randomElement(using: &random) ?? "") \(place) \(isSpawn ? "execute" : right)"
            let (uses, expiry): (Int64?, Timestamp?) = (step % 7 == 0 ? 1 : nil, step % 5 == 0 ? world.later(Double(step % 9 + 1)) : nil)
            granted.append(
                try await world.grant(text) {
                    if $0.effect == .allow { $0.uses = uses }
                    $0.expiresAt = expiry
                })
            if step % 11 == 10, let id = granted.randomElement(using: &random)?.id {
                _ = await world.refusal { (transaction, broker) throws(LibOSError) in
                    try broker.revoke(id, by: World.owner, in: transaction)
                }
            }
            if step % 13 == 12 {
                // A change that is undone leaves nothing behind.
                let terms = try CapabilityTerms("deny filesystem:workspace:src read")
                _ = await world.refusal { (transaction, broker) throws(LibOSError) in
                    try broker.grant(terms, to: world.parent, by: World.owner, in: transaction)
                    throw LibOSError(.timeout, "undone")
                }
            }
            if step % 6 == 5 { world.clock.advance(seconds: 1) }
            for need in ["filesystem:workspace:src/a read", "filesystem:workspace:docs/b/c write", "process:spawn execute"] {
                let request = AuthorizationRequest(subject: world.parent, needs: [try NeededRight(need)])
                let (grown, anew) = try await world.write { (transaction, broker) throws(LibOSError) in
                    (
                        try broker.authorize(request, in: transaction).json.canonicalText,
                        try CapabilityBroker().authorize(request, in: transaction).json.canonicalText
                    )
                }
                #expect(grown == anew, "step \(step), \(need)")
            }
        }
    }
}
