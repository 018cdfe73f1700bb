import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import Testing

struct IssueTests {
    /// What the actor holds, what it issues to the child, and whether it may.
    static let rows: [(held: [String], terms: String, isAllowed: Bool)] = [
        (["allow object:a read,grant"], "allow object:a read", true),
        (["allow object:* read,grant"], "allow object:a read", true),
        (["allow object:* grant", "allow object:a read"], "allow object:a read", true),
        (["allow object:a read,grant"], "allow object:a read,write", false),
        (["allow object:a read"], "allow object:a read", false),
        (["allow object:a grant"], "allow object:a read", false),
        (["allow object:b read,grant"], "allow object:a read", false),
        (["allow object:a read,grant"], "allow object:* read", false),
        (["allow object:a read,grant"], "deny object:a read", false),
        (["allow object:a read,grant"], "ask object:a read", false),
        (["allow object:a grant,read"], "allow object:a grant", true),
        (["allow object:a grant,read"], "allow object:a admin", false),
        (["allow object:a admin"], "allow object:a read,write,grant,admin", true),
        (["allow object:a admin"], "deny object:a read", true),
        (["allow object:a admin"], "ask object:a read", true),
        (["allow object:a admin"], "allow object:b read", false),
        (["ask object:a admin"], "allow object:a read", false),
        (["deny object:* admin", "allow object:a admin"], "allow object:a read", false),
        // Asked or denied for oneself is not handed to others.
        (["allow object:* read,grant", "ask object:a read"], "allow object:a read", false),
        (["allow object:* read,grant", "deny object:a read"], "allow object:a read", false),
        (["allow object:* read,grant", "ask object:a grant"], "allow object:a read", false),
        (["allow object:* read,grant", "deny object:a read"], "allow object:* read", false),
        (["allow object:a admin", "deny object:a read"], "allow object:a read", false),
        (["allow object:a admin", "ask object:a read"], "allow object:a read", false),
        // No kernel resource can be issued: it has neither right.
        (["allow filesystem:workspace:* read"], "allow filesystem:workspace:a read", false),
    ]

    @Test("who may issue what", arguments: rows.indices) func issue(_ index: Int) async throws {
        let row = Self.rows[index]
        let world = try await World()
        for held in row.held { try await world.grant(held) }
        let (actor, child, terms) = (world.parent, world.child, try CapabilityTerms(row.terms))
        let before = try await world.audit("capability.").count
        let refusal = await world.refusal { (transaction, broker) throws(LibOSError) in
            try broker.issue(terms, to: child, by: actor, in: transaction)
        }
        #expect((refusal == nil) == row.isAllowed, "\(row): \(refusal?.message ?? "issued")")
        if row.isAllowed {
            let audit = try present(try await world.audit("capability.issue").last)
            #expect(audit.entry.actor == actor.text)
            let record = try present(try await world.record(audit.entry.capabilities[0]))
            #expect(record.issuedBy == actor.text && record.subject == child && record.effect == terms.effect)
            // A restriction hangs below nothing; an allow falls with what it rests on.
            #expect((record.parent == nil) == (terms.effect != .allow))
            #expect(try await world.events(for: child).last?.type == .capabilityGranted)
        } else {
            #expect(refusal?.code == .denied)
            #expect(try await world.audit("capability.").count == before)
            #expect(try await world.events(for: child).isEmpty)
        }
    }

    @Test("what is issued has no more than what it rests on", arguments: 0..<6) func bounds(_ row: Int) async throws {
        let world = try await World()
        try await world.grant("allow object:* grant") { if row == 5 { $0.expiresAt = world.later(50) } }
        try await world.grant("allow object:a read") {
            switch row {
            case 0: $0.expiresAt = world.later(100)
            case 1: $0.uses = 3
            case 2: $0.constraints.tools = ["x"]
            case 3: $0.maxDelegationDepth = 0
            default: break
            }
        }
        var terms = try CapabilityTerms("allow object:a read")
        if row == 0 { terms.expiresAt = world.later(101) }
        if row == 4 { terms.isDelegable = true }
        if row == 5 { terms.expiresAt = world.later(51) }
        let (actor, child, given) = (world.parent, world.child, terms)
        let refusal = await world.refusal { (transaction, broker) throws(LibOSError) in
            try broker.issue(given, to: child, by: actor, in: transaction)
        }
        #expect(refusal?.code == .denied)
    }

    @Test("without an end of its own it ends with what it rests on; kept constraints pass") func boundsTaken() async throws {
        let world = try await World()
        try await world.grant("allow object:* grant") { $0.expiresAt = world.later(50) }
        try await world.grant("allow object:a read") {
            $0.expiresAt = world.later(100)
            $0.constraints.tools = ["x"]
        }
        var terms = try CapabilityTerms("allow object:a read")
        terms.constraints.tools = ["x"]
        let (actor, child, given) = (world.parent, world.child, terms)
        let records = try await world.write { (transaction, broker) throws(LibOSError) in
            try broker.issue(given, to: child, by: actor, in: transaction)
        }
        #expect(records.map(\.expiresAt) == [world.later(50)])
    }

    @Test("rights that rest on two records become two, and fall apart") func twoSources() async throws {
        let world = try await World()
        try await world.grant("allow object:* grant")
        let read = try await world.grant("allow object:a read")
        try await world.grant("allow object:a write")
        let (actor, child, terms) = (world.parent, world.child, try CapabilityTerms("allow object:a read,write"))
        let records = try await world.write { (transaction, broker) throws(LibOSError) in
            try broker.issue(terms, to: child, by: actor, in: transaction)
        }
        #expect(records.count == 2)
        try await world.write { (transaction, broker) throws(LibOSError) in
            _ = try broker.revoke(read.id, by: World.owner, in: transaction)
        }
        #expect(try await world.effect("object:a read", by: child) == .deny)
        #expect(try await world.effect("object:a write", by: child) == .allow)
    }

    @Test("to nobody, and to the dead, nothing is issued") func living() async throws {
        let world = try await World()
        try await world.grant("allow object:a read,grant")
        let (actor, child, terms) = (world.parent, world.child, try CapabilityTerms("allow object:a read"))
        try await world.write { (transaction, _) throws(LibOSError) in
            var process = try transaction.existingProcess(child)
            (process.status, process.outcome) = (.exited, .message("done"))
            try transaction.update(process)
        }
        let dead = await world.refusal { (transaction, broker) throws(LibOSError) in
            try broker.issue(terms, to: child, by: actor, in: transaction)
        }
        #expect(dead?.code == .process)
        let nobody = await world.refusal { (transaction, broker) throws(LibOSError) in
            try broker.issue(terms, to: ProcessID.new(), by: actor, in: transaction)
        }
        #expect(nobody?.code == .notFound)
    }
}
