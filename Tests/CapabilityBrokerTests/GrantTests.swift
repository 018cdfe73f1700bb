import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import StrictJSON
import Testing

struct GrantTests {
    @Test("a grant leaves a record, an event for its subject and an audit row") func grant() async throws {
        let world = try await World()
        let record = try await world.grant("allow filesystem:workspace:src write,read") { $0.isDelegable = true }
        #expect(try await world.record(record.id) == record)
        #expect(record.issuedBy == "human:owner" && record.issuedAt == world.now && record.status == .active)
        let event = try present(try await world.events(for: world.parent).last)
        #expect(event.type == .capabilityGranted && event.source == "human:owner" && event.target == world.parent.text)
        #expect(event.payload["capability_id"] == .string(record.id.text))
        #expect(event.payload["resource"] == .string("filesystem:workspace:src"))
        #expect(event.payload["rights"] == .strings(["read", "write"]))
        let audit = try present(try await world.audit("capability.grant").last)
        #expect(audit.entry.actor == "human:owner" && audit.entry.target == world.parent.text)
        #expect(audit.entry.capabilities == [record.id])
        #expect(audit.entry.decision["delegable"] == .bool(true))
    }

    @Test(
        "permission policies",
        arguments: [
            (PermissionPolicy.alwaysAllow, Effect.allow, nil), (.alwaysDeny, .deny, nil), (.askEachTime, .ask, nil),
            (.allowOnce, .allow, 1),
        ] as [(PermissionPolicy, Effect, Int64?)])
    func policies(_ policy: PermissionPolicy, _ effect: Effect, _ uses: Int64?) async throws {
        let world = try await World()
        let (subject, wanted) = (world.parent, try NeededRight("filesystem:workspace:a read"))
        let record = try await world.write { (transaction, broker) throws(LibOSError) in
            try broker.setPermissionPolicy(
                policy, on: wanted.resource, rights: wanted.rights, for: subject, by: World.owner, in: transaction)
        }
        #expect(record.effect == effect && record.usesRemaining == uses)
        let decision = try await world.decide("filesystem:workspace:a read")
        #expect(decision.effect == effect)
        #expect(decision.oneShots == (uses == nil ? [] : [record.id]))
        let audit = try present(try await world.audit("capability.permission_policy").last)
        #expect(audit.entry.decision["policy"] == .string(policy.rawValue))
        #expect(try await world.events(for: subject).last?.type == .capabilityGranted)
    }

    @Test("a newer policy on the same resource takes the place of an older one, but no deny goes away") func recency() async throws {
        let world = try await World()
        let (subject, wanted) = (world.parent, try NeededRight("filesystem:workspace:a read"))
        for (policy, effect) in [
            (PermissionPolicy.askEachTime, Effect.ask), (.alwaysAllow, .allow), (.askEachTime, .ask), (.alwaysDeny, .deny),
            (.alwaysAllow, .deny),
        ] {
            try await world.write { (transaction, broker) throws(LibOSError) in
                _ = try broker.setPermissionPolicy(
                    policy, on: wanted.resource, rights: wanted.rights, for: subject, by: World.owner, in: transaction)
            }
            #expect(try await world.effect("filesystem:workspace:a read") == effect)
        }
    }

    @Test("a process neither grants nor sets policies") func processesDoNot() async throws {
        let world = try await World()
        try await world.grant("allow object:* read,grant,admin")
        let (subject, terms) = (world.parent, try CapabilityTerms("allow object:a read"))
        let granting = await world.refusal { (transaction, broker) throws(LibOSError) in
            try broker.grant(terms, to: subject, by: .process(subject), in: transaction)
        }
        #expect(granting?.code == .denied)
        let setting = await world.refusal { (transaction, broker) throws(LibOSError) in
            try broker.setPermissionPolicy(
                .alwaysAllow, on: terms.resource, rights: terms.rights, for: subject, by: .process(subject), in: transaction)
        }
        #expect(setting?.code == .denied)
    }

    @Test("a part of the runtime cannot be named like a process or a person", arguments: ["", "human:owner", "pid"])
    func actors(_ name: String) async throws {
        let world = try await World()
        let (subject, terms) = (world.parent, try CapabilityTerms("allow object:a read"))
        let name = name == "pid" ? world.stranger.text : name
        let refusal = await world.refusal { (transaction, broker) throws(LibOSError) in
            try broker.grant(terms, to: subject, by: .runtime(name), in: transaction)
        }
        #expect(refusal?.code == .validation)
    }

    @Test("terms that no record may have", arguments: 0..<15) func badTerms(_ row: Int) async throws {
        let world = try await World()
        var terms = try CapabilityTerms("allow filesystem:workspace:a read")
        switch row {
        case 0: terms.rights = []
        case 1: terms.rights = [.read, .admin]
        case 2: terms.uses = 0
        case 3: terms.uses = .min
        case 4: terms.maxDelegationDepth = -1
        case 5: terms.expiresAt = world.now
        case 6: terms.constraints.unknown = ["max_bytes"]
        case 7: (terms.effect, terms.uses) = (.deny, 1)
        case 8: (terms.effect, terms.uses) = (.ask, 1)
        case 9: (terms.effect, terms.isDelegable) = (.deny, true)
        case 10: (terms.effect, terms.constraints) = (.deny, CapabilityConstraints(tools: ["x"]))
        case 11: terms.resource = Resource(kind: .filesystem, parts: ["workspace", "..", "etc"], extent: .tree)
        case 12: terms.resource = Resource(kind: .filesystem, parts: ["workspace", "a/b"], extent: .tree)
        case 13: (terms.resource, terms.rights) = (Resource(kind: .shell, parts: ["git"], extent: .exact), [.execute])
        default: terms.constraints.actionHash = ""
        }
        let (given, subject) = (terms, world.parent)
        let refusal = await world.refusal { (transaction, broker) throws(LibOSError) in
            try broker.grant(given, to: subject, by: World.owner, in: transaction)
        }
        #expect(refusal?.code == .validation)
        #expect(try await world.events(for: subject).isEmpty)
    }
}
