import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import Testing

struct HandleTests {
    @Test("a handle is good for what it and its record give, as long as both hold", arguments: 0..<12) func handles(_ row: Int) async throws
    {
        let world = try await World()
        let object = ObjectID.new()
        let text = "object:\(object)"
        let record = try await world.grant(row == 7 ? "deny \(text) read" : "allow \(text) read,link") {
            if row == 1 { $0.expiresAt = world.later(5) }
        }
        var handle = ObjectHandle(object: object, rights: [.read, .write, .link], capability: record.id)
        var (subject, right) = (world.parent, ObjectRight.read)
        switch row {
        case 1: world.clock.advance(seconds: 5)
        case 2: handle.expiresAt = world.now
        case 3: handle.rights = [.link]
        case 4: right = .write // not in the record
        case 5: subject = world.stranger
        case 6: handle.object = ObjectID.new()
        case 8: try await world.grant("deny object:* read")
        case 9: try await world.write { (tx, broker) throws(LibOSError) in _ = try broker.revoke(record.id, by: World.owner, in: tx) }
        case 10: handle.capability = CapabilityID.new()
        case 11: try await world.grant("ask \(text) read")
        default: break
        }
        let (given, asker, wanted) = (handle, subject, right)
        let decision = try await world.write { (transaction, broker) throws(LibOSError) in
            try broker.authorize(given, wanted, for: asker, in: transaction)
        }
        #expect(decision.effect == (row == 0 ? .allow : row == 11 ? .ask : .deny), "\(decision.reason)")
        #expect((decision.denial != nil) == (decision.effect == .deny))
        if decision.effect == .deny { #expect(decision.grants.isEmpty && decision.oneShots.isEmpty) }
    }

    @Test("a handle of a counted record is counted") func counted() async throws {
        let world = try await World()
        let (object, subject) = (ObjectID.new(), world.parent)
        let record = try await world.grant("allow object:\(object) read") { $0.uses = 1 }
        let handle = ObjectHandle(object: object, rights: [.read], capability: record.id)
        let decision = try await world.write { (transaction, broker) throws(LibOSError) in
            try broker.authorize(handle, .read, for: subject, in: transaction)
        }
        #expect(decision.oneShots == [record.id])
    }
}
