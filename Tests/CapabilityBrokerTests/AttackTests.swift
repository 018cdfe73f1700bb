import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import SQLiteRuntimeStore
import Testing

/// A hostile process uses every change that processes may make, in any order, against the authority that it was given.
struct AttackTests {
    static let files = ["*", "a", "a/b", "a/b/c", "d"]
    static let contexts = [ActionContext(), ActionContext(tool: "x"), ActionContext(tool: "y")]

    @Test("whatever processes do, nobody gains: neither the child beyond its parent, nor the parent beyond its start", arguments: 0..<6)
    func nobodyGains(_ seed: UInt64) async throws {
        var random = SeededGenerator(state: 1000 + seed)
        var (changes, refused) = (0, 0)
        for round in 0..<10 {
            let world = try await World()
            var written: [String] = []
            for _ in 0..<Int.random(in: 2...7, using: &random) {
                let effect = random.pick([Effect.allow, .allow, .allow, .ask, .deny])
                let rights = random.pick(["read", "write", "read,write"])
                let text = "\(effect.rawValue) filesystem:workspace:\(random.pick(Self.files)) \(rights)"
                try await world.grant(text) { terms in
                    guard effect == .allow else { return }
                    terms.isDelegable = random.chance(80)
                    if random.chance(20) { terms.constraints.tools = ["x"] }
                    if random.chance(15) { terms.uses = 2 }
                    if random.chance(15) { terms.maxDelegationDepth = Int64.random(in: 0...2, using: &random) }
                }
                written.append(text)
            }
            let start = try await effects(world, world.parent)
            for _ in 0..<18 {
                if try await attempt(world, &random) { changes += 1 } else { refused += 1 }
                let parent = try await effects(world, world.parent)
                for (at, now) in parent.enumerated() { #expect(now <= start[at], "round \(round), action \(at): \(written)") }
                for subject in [world.child, world.stranger] {
                    for (at, now) in try await effects(world, subject).enumerated() {
                        #expect(now <= start[at], "round \(round), action \(at) of another process: \(written)")
                        #expect(now != .allow || parent[at] == .allow, "round \(round), action \(at): \(written)")
                    }
                }
            }
        }
        #expect(changes > 10 && refused > 20, "\((changes, refused))")
    }

    /// One change by one of the processes; whether it was done.
    private func attempt(_ world: World, _ random: inout SeededGenerator) async throws -> Bool {
        let subjects = [world.parent, world.child, world.stranger]
        let target = random.pick(subjects)
        let all = try await world.store.read { (store) throws(LibOSError) in
            var records: [CapabilityRecord] = []
            for subject in subjects { records += try store.capabilities(of: subject) }
            return records
        }
        let record = random.pick(all)
        let actor = random.chance(80) ? record.subject : random.pick(subjects)
        var terms = try CapabilityTerms(
            "allow filesystem:workspace:\(random.pick(Self.files)) \(random.pick(["read", "write", "read,write"]))")
        terms.isDelegable = random.chance(70)
        if random.chance(25) { terms.constraints.tools = ["x"] }
        if record.resource.covers(terms.resource), random.chance(50) { terms.rights = record.rights }
        let (given, kind) = (terms, Int.random(in: 0..<5, using: &random))
        let change = Attenuation(
            resource: random.chance(70) ? terms.resource : nil, rights: random.chance(30) ? terms.rights : nil,
            constraints: random.chance(20) ? terms.constraints : nil, uses: random.chance(20) ? 1 : nil)
        let refusal = await world.refusal { (transaction, broker) throws(LibOSError) in
            switch kind {
            case 0, 1: _ = try broker.delegate(record.id, given, to: target, by: actor, in: transaction)
            case 2: _ = try broker.attenuate(record.id, change, by: .process(actor), in: transaction)
            case 3: _ = try broker.revoke(record.id, by: .process(actor), in: transaction)
            default:
                if target == world.parent {
                    _ = try broker.issue(given, to: target, by: actor, in: transaction)
                } else {
                    _ = try broker.inherit(
                        from: actor, to: target, resource: given.resource, rights: given.rights, by: World.runtime, in: transaction)
                }
            }
        }
        return refusal == nil
    }

    /// Of every action of the small universe in every context, in a fixed order. Counted and free uses are alike here.
    private func effects(_ world: World, _ subject: ProcessID) async throws -> [Effect] {
        let needs = try (Self.files + ["a/b/c/d", "e"]).flatMap { file in
            try ["read", "write"].map { try NeededRight("filesystem:workspace:\(file) \($0)") }
        }
        return try await world.store.read { (store) throws(LibOSError) in
            var effects: [Effect] = []
            for need in needs {
                for context in Self.contexts {
                    let request = AuthorizationRequest(subject: subject, needs: [need], context: context)
                    effects.append(try world.broker.authorize(request, in: store).effect)
                }
            }
            return effects
        }
    }

    @Test("an expired link anywhere in the line ends what hangs below it, parsed before or not") func expiredLine() async throws {
        let world = try await World()
        let root = try await world.grant("allow filesystem:workspace:* read") {
            $0.isDelegable = true
            $0.expiresAt = world.later(10)
        }
        let (parent, child, stranger) = (world.parent, world.child, world.stranger)
        var terms = try CapabilityTerms("allow filesystem:workspace:a read")
        terms.isDelegable = true
        let given = terms
        try await world.write { (tx, broker) throws(LibOSError) in
            let first = try broker.delegate(root.id, given, to: child, by: parent, in: tx)
            let second = try broker.delegate(first.id, given, to: stranger, by: child, in: tx)
            // As a store with a fault would have it: the link in the middle has no end of its own any more.
            var forged = second
            forged.expiresAt = nil
            try tx.update(forged)
        }
        #expect(try await world.effect("filesystem:workspace:a read", by: stranger) == .allow)
        world.clock.advance(seconds: 10)
        #expect(try await world.effect("filesystem:workspace:a read", by: stranger) == .deny)
    }

    @Test("a missing or foreign-made parent holds nothing") func orphan() async throws {
        let world = try await World()
        let record = CapabilityRecord(
            subject: world.child, resource: try Resource.parse("filesystem:workspace:a"), rights: [.read], issuedBy: "human:owner",
            issuedAt: world.now, parent: CapabilityID.new())
        try await world.write { (tx, _) throws(LibOSError) in try tx.insert(record) }
        #expect(try await world.effect("filesystem:workspace:a read", by: world.child) == .deny)
    }

    @Test("numbers at the ends of their range neither wrap nor trap") func overflow() async throws {
        let world = try await World()
        var (ids, now) = ([CapabilityID](), world.now)
        let resource = try Resource.parse("filesystem:workspace:a")
        let (parent, child, terms) = (world.parent, world.child, try CapabilityTerms("allow filesystem:workspace:a read"))
        for (uses, depth, most) in [(Int64.max, Int64(0), Int64?.none), (.min, 0, nil), (0, 0, nil)] + [
            (nil, .max, nil), (nil, .min, .min), (nil, 0, .min), (nil, 31, nil),
        ] as [(Int64?, Int64, Int64?)] {
            let record = CapabilityRecord(
                subject: parent, resource: resource, rights: [.read], issuedBy: "human:owner", issuedAt: now, isDelegable: true,
                delegationDepth: depth, maxDelegationDepth: most, usesRemaining: uses)
            try await world.write { (tx, _) throws(LibOSError) in try tx.insert(record) }
            ids.append(record.id)
            now = now.adding(seconds: 1)
            let refusal = await world.refusal { (tx, broker) throws(LibOSError) in
                try broker.delegate(record.id, terms, to: child, by: parent, in: tx)
            }
            #expect(refusal?.code == .denied)
        }
        let request = AuthorizationRequest(subject: parent, needs: [try NeededRight("filesystem:workspace:a read")])
        let written = ids
        try await world.write { (tx, broker) throws(LibOSError) in
            for id in written.dropFirst(3) { _ = try broker.revoke(id, by: World.owner, in: tx) }
            let decision = try broker.authorize(request, in: tx)
            guard decision.oneShots == [written[0]], let taken = try broker.reserve(decision, of: parent, in: tx) else {
                throw LibOSError(.validation, "the record without end is not counted")
            }
            try broker.restore(taken, because: .refusedBeforeDispatch("test"), in: tx)
        }
        #expect(try await world.record(ids[0])?.usesRemaining == .max)
    }

    @Test("delegating in a circle gains nothing, neither rights nor time nor depth") func circle() async throws {
        let world = try await World()
        let root = try await world.grant("allow filesystem:workspace:a read") {
            $0.isDelegable = true
            $0.expiresAt = world.later(100)
            $0.maxDelegationDepth = 3
        }
        var terms = try CapabilityTerms("allow filesystem:workspace:a read")
        terms.isDelegable = true
        var (holder, id, steps) = (world.parent, root.id, 0)
        while steps < 10 {
            let (given, from, to, record) = (terms, holder, holder == world.parent ? world.child : world.parent, id)
            let child = try? await world.write { (tx, broker) throws(LibOSError) in
                try broker.delegate(record, given, to: to, by: from, in: tx)
            }
            guard let child else { break }
            #expect(child.expiresAt == root.expiresAt)
            (holder, id, steps) = (to, child.id, steps + 1)
        }
        #expect(steps == 3)
        try await world.write { (tx, broker) throws(LibOSError) in _ = try broker.revoke(root.id, by: World.owner, in: tx) }
        for subject in [world.parent, world.child] { #expect(try await world.effect("filesystem:workspace:a read", by: subject) == .deny) }
    }

    @Test("a change that fails in its middle leaves nothing behind") func atomic() async throws {
        let world = try await World()
        try await world.grant("allow object:a read,grant")
        let before = try await world.audit("capability.").count
        let (parent, child, terms) = (world.parent, world.child, try CapabilityTerms("allow object:a read,write"))
        _ = await world.refusal { (tx, broker) throws(LibOSError) in
            // The caller goes on after the refusal: nothing of it may be in the transaction.
            _ = try? broker.issue(terms, to: child, by: parent, in: tx)
        }
        #expect(try await world.audit("capability.").count == before)
        #expect(try await world.events(for: child).isEmpty)
        #expect(try await world.effect("object:a read", by: child) == .deny)
    }
}
