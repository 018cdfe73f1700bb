import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import SQLiteRuntimeStore
import Testing

/// The short way to a yes says yes only where the long one does.
struct HeldAuthorityTests {
    @Test("what is plainly allowed is what the broker allows without taking a use") func agreement() async throws {
        var generator = SystemRandomNumberGenerator()
        var yes = 0
        for _ in 0..<60 {
            let world = try await World()
            let objects = (0..<3).map { _ in ObjectID.new() }
            var records: [CapabilityRecord] = []
            for _ in 0..<Int.random(in: 1...8, using: &generator) {
                let effect = ["allow", "allow", "allow", "ask", "deny"].randomElement(using: &generator) ?? "deny"
                let place = (objects.map(\.text) + objects.map(\.text) + ["*"]).randomElement(using: &generator) ?? "*"
                let rights =
                    ["read", "materialize", "read,materialize", "read,write,materialize"].randomElement(using: &generator) ?? "read"
                let kind = Int.random(in: 0..<8, using: &generator)
                records.append(
                    try await world.grant("\(effect) object:\(place) \(rights)") { terms in
                        if kind == 0, effect == "allow" { terms.uses = 1 }
                        if kind == 1, effect != "deny" { terms.constraints.tools = ["some"] }
                        if kind == 2 { terms.expiresAt = world.later(5) }
                    })
            }
            for isLate in [false, true] {
                if isLate { world.clock.advance(seconds: 10) }
                let (subject, broker) = (world.parent, world.broker)
                let (held, all) = (try await world.store.read { (tx) throws(LibOSError) in try broker.held(by: subject, in: tx) }, records)
                for object in objects {
                    let resource = try Resource.parse("object:\(object)")
                    for right in [CapabilityRight.read, .materialize, .write, .delete] {
                        let request = AuthorizationRequest(
                            subject: subject, needs: [NeededRight(resource: resource, rights: [right])],
                            context: ActionContext(tool: "another"))
                        let decision = try await world.store.read { (tx) throws(LibOSError) in try broker.authorize(request, in: tx) }
                        for record in all where held.isPlainlyAllowed(right, on: resource, by: record.id) {
                            #expect(decision.isAllowed && decision.oneShots.isEmpty && decision.selected == record.id)
                            yes += 1
                        }
                    }
                }
            }
        }
        #expect(yes > 20)
    }

    @Test("files, trees and the records of others are never plainly allowed") func others() async throws {
        let world = try await World()
        let object = ObjectID.new()
        let record = try await world.grant("allow object:\(object) read")
        let foreign = try await world.grant("allow object:\(object) read", to: world.child)
        let file = try await world.grant("allow filesystem:workspace:a read")
        let (subject, broker) = (world.parent, world.broker)
        let held = try await world.store.read { (tx) throws(LibOSError) in try broker.held(by: subject, in: tx) }
        let resource = try Resource.parse("object:\(object)")
        #expect(held.isPlainlyAllowed(.read, on: resource, by: record.id))
        #expect(!held.isPlainlyAllowed(.write, on: resource, by: record.id))
        #expect(!held.isPlainlyAllowed(.read, on: resource, by: foreign.id))
        #expect(!held.isPlainlyAllowed(.read, on: try Resource.parse("object:\(ObjectID.new())"), by: record.id))
        #expect(!held.isPlainlyAllowed(.read, on: try Resource.parse("object:*"), by: record.id))
        #expect(!held.isPlainlyAllowed(.read, on: try Resource.parse("filesystem:workspace:a"), by: file.id))
        try await world.write { (tx, broker) throws(LibOSError) in _ = try broker.revoke(record.id, by: World.owner, in: tx) }
        let after = try await world.store.read { (tx) throws(LibOSError) in try broker.held(by: subject, in: tx) }
        #expect(!after.isPlainlyAllowed(.read, on: resource, by: record.id))
    }
}
