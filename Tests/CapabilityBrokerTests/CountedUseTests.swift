import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import StrictJSON
import Testing

struct CountedUseTests {
    private func reserve(_ world: World, _ needs: String..., call: ToolCallID? = nil) async throws -> UseReservation? {
        let request = AuthorizationRequest(subject: world.parent, needs: try needs.map(NeededRight.init(_:)))
        return try await world.write { (transaction, broker) throws(LibOSError) in
            let decision = try broker.authorize(request, in: transaction)
            return try broker.reserve(decision, of: request.subject, for: call, in: transaction)
        }
    }

    private func commit(_ world: World, _ reservation: UseReservation) async throws(LibOSError) {
        try await world.write { (transaction, broker) throws(LibOSError) in try broker.commit(reservation, in: transaction) }
    }

    private func restore(_ world: World, _ reservation: UseReservation) async throws(LibOSError) {
        try await world.write { (transaction, broker) throws(LibOSError) in
            try broker.restore(reservation, because: .setupFailed(stage: "exec", errno: 2), in: transaction)
        }
    }

    @Test("deciding takes nothing; reserving takes the use before the action starts") func reserving() async throws {
        let world = try await World()
        let record = try await world.grant("allow filesystem:workspace:a write") { $0.uses = 1 }
        for _ in 0..<3 { #expect(try await world.effect("filesystem:workspace:a write") == .allow) }
        let reservation = try present(try await reserve(world, "filesystem:workspace:a write"))
        #expect(reservation.capabilities == [record.id] && reservation.subject == world.parent)
        #expect(try await world.record(record.id)?.usesRemaining == 0)
        // A crash here leaves it so: taken, and nobody else can use it.
        #expect(try await world.record(record.id)?.status == .active)
        #expect(try await world.effect("filesystem:workspace:a write") == .deny)
        try await commit(world, reservation)
        #expect(try await world.record(record.id)?.status == .consumed)
        #expect(try await world.record(record.id)?.reservations == [])
        let phases = try await world.audit("capability.consume").map { $0.entry.decision["phase"] }
        #expect(phases == [.string("reserved"), .string("committed")])
    }

    @Test("a use is given back with a proof that nothing began, once") func restoring() async throws {
        let world = try await World()
        let record = try await world.grant("allow filesystem:workspace:a write") { $0.uses = 1 }
        let reservation = try present(try await reserve(world, "filesystem:workspace:a write"))
        try await restore(world, reservation)
        #expect(try await world.record(record.id)?.usesRemaining == 1)
        #expect(try await world.effect("filesystem:workspace:a write") == .allow)
        for _ in 0..<2 {
            let twice = await #expect(throws: LibOSError.self) { try await restore(world, reservation) }
            #expect(twice?.code == .validation)
            let late = await #expect(throws: LibOSError.self) { try await commit(world, reservation) }
            #expect(late?.code == .validation)
        }
        #expect(try await world.record(record.id)?.usesRemaining == 1)
        let audit = try present(try await world.audit("capability.consume").last)
        #expect(audit.entry.decision["proof"]?["setup_failed"] == .string("exec"))
    }

    @Test("what was committed is not given back") func afterCommit() async throws {
        let world = try await World()
        let record = try await world.grant("allow filesystem:workspace:a write") { $0.uses = 1 }
        let reservation = try present(try await reserve(world, "filesystem:workspace:a write"))
        try await commit(world, reservation)
        let refusal = await #expect(throws: LibOSError.self) { try await restore(world, reservation) }
        #expect(refusal?.code == .validation)
        #expect(try await world.record(record.id)?.status == .consumed)
    }

    @Test("a call whose outcome is not known gives nothing back", arguments: ToolCallRecord.State.allCases)
    func unknownCall(_ state: ToolCallRecord.State) async throws {
        let world = try await World()
        let record = try await world.grant("allow filesystem:workspace:a write") { $0.uses = 1 }
        let call = ToolCallRecord(
            process: world.parent, tool: ToolID.new(), toolName: "write", arguments: .object([]), actionHash: "h", createdAt: world.now)
        try await world.write { (transaction, _) throws(LibOSError) in try transaction.insert(call) }
        let reservation = try present(try await reserve(world, "filesystem:workspace:a write", call: call.id))
        var ended = call
        ended.state = state
        let now = ended
        try await world.write { (transaction, _) throws(LibOSError) in try transaction.update(now) }
        do {
            try await restore(world, reservation)
            #expect(state == .intended || state == .failed)
        } catch {
            #expect(state == .completed || state == .unknown)
            #expect(error.code == .denied)
            #expect(try await world.record(record.id)?.usesRemaining == 0)
        }
    }

    @Test("revoked while reserved stays revoked") func revokedMeanwhile() async throws {
        let world = try await World()
        let record = try await world.grant("allow filesystem:workspace:a write") { $0.uses = 1 }
        let reservation = try present(try await reserve(world, "filesystem:workspace:a write"))
        try await world.write { (transaction, broker) throws(LibOSError) in
            _ = try broker.revoke(record.id, by: World.owner, in: transaction)
        }
        try await restore(world, reservation)
        #expect(try await world.record(record.id)?.status == .revoked)
        #expect(try await world.record(record.id)?.usesRemaining == 0)
        #expect(try await world.effect("filesystem:workspace:a write") == .deny)
    }

    @Test("several uses, several open reservations") func several() async throws {
        let world = try await World()
        let record = try await world.grant("allow filesystem:workspace:a write") { $0.uses = 2 }
        let first = try present(try await reserve(world, "filesystem:workspace:a write"))
        let second = try present(try await reserve(world, "filesystem:workspace:a write"))
        #expect(try await world.effect("filesystem:workspace:a write") == .deny)
        try await commit(world, first)
        #expect(try await world.record(record.id)?.status == .active)
        try await restore(world, second)
        #expect(try await world.effect("filesystem:workspace:a write") == .allow)
        let third = try present(try await reserve(world, "filesystem:workspace:a write"))
        try await commit(world, third)
        #expect(try await world.record(record.id)?.status == .consumed)
    }

    @Test("one action takes one use of a record, and all records or none") func together() async throws {
        let world = try await World()
        let wide = try await world.grant("allow filesystem:workspace:src read,write") { $0.uses = 1 }
        let other = try await world.grant("allow filesystem:workspace:docs write") { $0.uses = 1 }
        let reservation = try present(
            try await reserve(
                world, "filesystem:workspace:src/a read,write", "filesystem:workspace:src/b write", "filesystem:workspace:docs write"))
        #expect(reservation.capabilities == [wide.id, other.id])
        try await restore(world, reservation)
        // A decision of before, when one of its records has gone since: nothing is taken.
        let request = AuthorizationRequest(
            subject: world.parent,
            needs: [try NeededRight("filesystem:workspace:src/a read"), try NeededRight("filesystem:workspace:docs write")])
        let old = try await world.write { (transaction, broker) throws(LibOSError) in try broker.authorize(request, in: transaction) }
        _ = try await reserve(world, "filesystem:workspace:docs write")
        let refusal = await world.refusal { (transaction, broker) throws(LibOSError) in
            try broker.reserve(old, of: request.subject, in: transaction)
        }
        #expect(refusal?.code == .denied)
        #expect(try await world.record(wide.id)?.usesRemaining == 1)
    }

    @Test("nothing is reserved for others, for the refused, or where nothing is counted") func refused() async throws {
        let world = try await World()
        try await world.grant("allow filesystem:workspace:a write") { $0.uses = 1 }
        try await world.grant("allow filesystem:workspace:b write")
        #expect(try await reserve(world, "filesystem:workspace:b write") == nil)
        let decision = try await world.decide("filesystem:workspace:a write")
        let stranger = world.stranger
        let foreign = await world.refusal { (transaction, broker) throws(LibOSError) in
            try broker.reserve(decision, of: stranger, in: transaction)
        }
        #expect(foreign?.code == .validation)
        let denied = try await world.decide("filesystem:workspace:c write")
        let refused = await world.refusal { (transaction, broker) throws(LibOSError) in
            try broker.reserve(denied, of: denied.subject, in: transaction)
        }
        #expect(refused?.code == .denied)
    }

    @Test("an expired or fallen record has no use left", arguments: ["expired", "fallen"]) func endedBeforeUse(_ how: String) async throws {
        let world = try await World()
        let root = try await world.grant("allow filesystem:workspace:a write", to: world.child) { $0.isDelegable = true }
        var terms = try CapabilityTerms("allow filesystem:workspace:a write")
        (terms.uses, terms.expiresAt) = (1, world.later(10))
        let (given, child, parent) = (terms, world.child, world.parent)
        try await world.write { (transaction, broker) throws(LibOSError) in
            _ = try broker.delegate(root.id, given, to: parent, by: child, in: transaction)
        }
        let decision = try await world.decide("filesystem:workspace:a write")
        #expect(decision.oneShots.count == 1)
        if how == "expired" {
            world.clock.advance(seconds: 10)
        } else {
            try await world.write { (transaction, broker) throws(LibOSError) in
                _ = try broker.revoke(root.id, by: World.owner, in: transaction)
            }
        }
        let refusal = await world.refusal { (transaction, broker) throws(LibOSError) in
            try broker.reserve(decision, of: parent, in: transaction)
        }
        #expect(refusal?.code == .denied)
    }
}
