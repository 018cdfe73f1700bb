import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import Testing

struct AuthorizeTests {
    @Test(
        "a record covers its place and nothing that only looks like it",
        arguments: [
            // Component boundaries.
            ("filesystem:workspace:src/*", "filesystem:workspace:src/a", Effect.allow),
            ("filesystem:workspace:src/*", "filesystem:workspace:src", .allow),
            ("filesystem:workspace:src/*", "filesystem:workspace:src2", .deny),
            ("filesystem:workspace:src/*", "filesystem:workspace:src2/a", .deny),
            ("filesystem:workspace:src/*", "filesystem:workspace:sr", .deny),
            ("filesystem:workspace:src/a", "filesystem:workspace:src", .deny),
            ("filesystem:workspace:src", "filesystem:workspace:*", .deny),
            ("filesystem:workspace:*", "filesystem:workspace:a/b/c", .allow),
            ("filesystem:workspace:src//a/", "filesystem:workspace:src/a", .allow),
            // Other spaces and kinds.
            ("filesystem:workspace:*", "filesystem:host:/a", .deny),
            ("filesystem:host:/", "filesystem:workspace:a", .deny),
            ("filesystem:host:/usr", "filesystem:host:/usr/bin/git", .allow),
            ("filesystem:host:/usr", "filesystem:host:/usr2", .deny),
            // Letter case, canonically equal spellings, look-alikes.
            ("filesystem:workspace:src", "filesystem:workspace:SRC", .deny),
            ("filesystem:workspace:.env", "filesystem:workspace:.ENV", .deny),
            ("filesystem:workspace:caf\u{E9}", "filesystem:workspace:cafe\u{301}", .deny),
            ("filesystem:workspace:src", "filesystem:workspace:\u{455}rc", .deny),
            ("filesystem:workspace:K", "filesystem:workspace:\u{212A}", .deny),
            ("filesystem:workspace:a", "filesystem:workspace:a ", .deny),
        ])
    func coverage(_ held: String, _ wanted: String, _ expected: Effect) async throws {
        let world = try await World()
        try await world.grant("allow \(held) read")
        #expect(try await world.effect("\(wanted) read") == expected)
    }

    @Test(
        "other kinds of resources",
        arguments: [
            ("object:obj_1", "object:obj_1 read", Effect.allow), ("object:obj_1", "object:obj_12 read", .deny),
            ("object:*", "object:obj_1 read", .allow), ("object:obj_1", "object:* read", .deny),
            ("object:a/*", "object:a read", .allow), ("object:a/*", "object:a/b read", .allow), ("object:a:*", "object:a read", .deny),
            ("object:a", "object:a/* read", .deny), ("object:a:*", "object:a/* read", .deny), ("object:a/*", "object:a:* read", .allow),
            ("object_namespace:project/research", "object_namespace:project read", .deny),
            ("object_namespace:project/*", "object_namespace:project/research read", .allow),
            ("object_namespace:project/*", "object_namespace:projects read", .deny),
            ("process:*", "process:pid_1 read", .allow), ("process:pid_1", "process:pid_2 read", .deny),
            ("human:owner", "human:owner read", .allow), ("human:owner", "human:Owner read", .deny),
            ("clock:*", "clock:now read", .allow), ("clock:now", "clock:sleep read", .deny),
            ("image:base-agent:v0", "image:base-agent:v0 read", .allow), ("image:base-agent:v0", "image:base-agent:v1 read", .deny),
            ("environment:LANG", "environment:LANG read", .allow), ("environment:LANG", "environment:LANGUAGE read", .deny),
            ("secret:key", "secret:key read", .allow), ("checkpoint:process:pid_1", "checkpoint:process:pid_2 read", .deny),
        ])
    func kinds(_ held: String, _ wanted: String, _ expected: Effect) async throws {
        let world = try await World()
        try await world.grant("allow \(held) read")
        #expect(try await world.effect(wanted) == expected)
    }

    @Test(
        "programs and endpoints",
        arguments: [
            ("shell:git execute", "shell:git execute", Effect.allow), ("shell:git execute", "shell:/usr/bin/git execute", .allow),
            ("shell:/usr/bin/git execute", "shell:git execute", .deny), ("shell:git execute", "shell:gitk execute", .deny),
            ("shell:git execute", "shell:Git execute", .deny), ("shell:git execute", "shell:bash execute", .deny),
            ("shell:*  execute", "shell:git execute", .allow),
            ("network:tcp:example.org:443 connect", "network:tcp:example.org:443 connect", .allow),
            ("network:tcp:example.org:443 connect", "network:tcp:example.org:4430 connect", .deny),
            ("network:tcp:example.org:* connect", "network:tcp:example.org:22 connect", .allow),
            ("network:tcp:example.org:443 connect", "network:tcp:evil.example.org:443 connect", .deny),
            ("network:tcp:example.org:443 connect", "network:loopback connect", .deny),
        ])
    func executableAndNetwork(_ held: String, _ wanted: String, _ expected: Effect) async throws {
        let world = try await World()
        try await world.grant("allow " + held.replacing("  ", with: " "))
        #expect(try await world.effect(wanted) == expected)
    }

    @Test(
        "deny dominates, then the narrowest, then the newest",
        arguments: [
            ([], Effect.deny),
            (["allow filesystem:workspace:src read"], .allow),
            (["ask filesystem:workspace:src read"], .ask),
            (["deny filesystem:workspace:src read"], .deny),
            // A deny, wide or narrow, old or new, is the end of it.
            (["deny filesystem:workspace:* read", "allow filesystem:workspace:src/a read"], .deny),
            (["allow filesystem:workspace:src/a read", "deny filesystem:workspace:* read"], .deny),
            (["deny filesystem:workspace:src/a read", "allow filesystem:workspace:src/a read"], .deny),
            (["deny filesystem:workspace:src/a read", "ask filesystem:workspace:src/a read"], .deny),
            // Of another right or another place it is not.
            (["deny filesystem:workspace:src/a write", "allow filesystem:workspace:src read"], .allow),
            (["deny filesystem:workspace:src/b read", "allow filesystem:workspace:src read"], .allow),
            // Narrowest of ask and allow.
            (["ask filesystem:workspace:* read", "allow filesystem:workspace:src read"], .allow),
            (["allow filesystem:workspace:src read", "ask filesystem:workspace:* read"], .allow),
            (["allow filesystem:workspace:* read", "ask filesystem:workspace:src read"], .ask),
            (["ask filesystem:workspace:src read", "allow filesystem:workspace:* read"], .ask),
            // Newest of equals.
            (["allow filesystem:workspace:src read", "ask filesystem:workspace:src/* read"], .ask),
            (["ask filesystem:workspace:src read", "allow filesystem:workspace:src read"], .allow),
        ])
    func precedence(_ records: [String], _ expected: Effect) async throws {
        let world = try await World()
        for record in records { try await world.grant(record) }
        #expect(try await world.effect("filesystem:workspace:src/a read") == expected)
    }

    @Test("several needs are decided together and the lowest wins") func together() async throws {
        let world = try await World()
        let read = try await world.grant("allow filesystem:workspace:* read")
        let write = try await world.grant("ask filesystem:workspace:src write")
        let both = try await world.decide("filesystem:workspace:README.md read", "filesystem:workspace:src/a read,write")
        #expect(both.effect == .ask && both.selected == write.id && both.grants.isEmpty && both.oneShots.isEmpty)
        #expect(both.asked == [try NeededRight("filesystem:workspace:src/a write")])
        #expect(both.matched == [read.id, write.id] && both.denial == nil)
        let three = try await world.decide("filesystem:workspace:src/a read,write", "shell:git execute")
        #expect(three.effect == .deny && three.selected == nil)
        let fine = try await world.decide("filesystem:workspace:a read", "filesystem:workspace:b read")
        #expect(fine.isAllowed && fine.capabilities == [read.id] && fine.grants.count == 2 && fine.selected == read.id)
        #expect(try await world.decide().isAllowed)
    }

    @Test("a need without a right is refused") func nothingNamed() async throws {
        let world = try await World()
        try await world.grant("allow filesystem:workspace:* read")
        let request = AuthorizationRequest(
            subject: world.parent, needs: [NeededRight(resource: try Resource.parse("filesystem:workspace:a"), rights: [])])
        let decision = try await world.write { (transaction, broker) throws(LibOSError) in try broker.authorize(request, in: transaction) }
        #expect(decision.effect == .deny && decision.denial != nil)
    }

    @Test("the instant of expiry counts as expired, also for what was parsed before") func expiry() async throws {
        let world = try await World()
        try await world.grant("allow filesystem:workspace:a read") { $0.expiresAt = world.later(10) }
        #expect(try await world.effect("filesystem:workspace:a read") == .allow)
        world.clock.advance(seconds: 9.999999)
        #expect(try await world.effect("filesystem:workspace:a read") == .allow)
        world.clock.advance(seconds: 0.000001)
        #expect(try await world.effect("filesystem:workspace:a read") == .deny)
    }

    @Test("a denial that ends uncovers what it outweighed") func expiringDeny() async throws {
        let world = try await World()
        try await world.grant("allow filesystem:workspace:a read")
        try await world.grant("deny filesystem:workspace:a read") { $0.expiresAt = world.later(10) }
        #expect(try await world.effect("filesystem:workspace:a read") == .deny)
        world.clock.advance(seconds: 10)
        #expect(try await world.effect("filesystem:workspace:a read") == .allow)
    }

    @Test("nobody acts on the records of another") func subjects() async throws {
        let world = try await World()
        try await world.grant("allow filesystem:workspace:a read")
        #expect(try await world.effect("filesystem:workspace:a read", by: world.stranger) == .deny)
        #expect(try await world.effect("filesystem:workspace:a read", by: ProcessID.new()) == .deny)
    }

    @Test("a file tree is granted without the places inside that are denied or asked for") func holes() async throws {
        let world = try await World()
        try await world.grant("allow filesystem:workspace:* read,write")
        let secret = try await world.grant("deny filesystem:workspace:.env read,write")
        let asked = try await world.grant("ask filesystem:workspace:src/gen write")
        let decision = try await world.decide("filesystem:workspace:* read,write")
        #expect(decision.isAllowed)
        let holes = decision.grants.flatMap(\.holes).map { "\($0.resource) \($0.right) \($0.capability)" }
        #expect(
            Set(holes) == [
                "filesystem:workspace:.env read \(secret.id)", "filesystem:workspace:.env write \(secret.id)",
                "filesystem:workspace:src/gen write \(asked.id)",
            ])
        // An allow inside is no hole; one that is counted or conditional is, because it would be used without being taken.
        try await world.grant("allow filesystem:workspace:docs read")
        let once = try await world.grant("allow filesystem:workspace:once read") { $0.uses = 1 }
        let again = try await world.decide("filesystem:workspace:* read")
        #expect(again.oneShots.isEmpty)
        #expect(again.grants.flatMap(\.holes).map(\.capability) == [secret.id, once.id])
    }

    @Test("what the kernel cannot leave a part of is refused as a whole") func noHoles() async throws {
        let world = try await World()
        try await world.grant("allow object_namespace:project/* read")
        try await world.grant("deny object_namespace:project/secret read")
        #expect(try await world.effect("object_namespace:project/* read") == .deny)
        #expect(try await world.effect("object_namespace:project/open read") == .allow)
        try await world.grant("allow network:tcp:example.org:* connect")
        try await world.grant("ask network:tcp:example.org:22 connect")
        #expect(try await world.effect("network:tcp:example.org:* connect") == .ask)
        #expect(try await world.effect("network:tcp:example.org:443 connect") == .allow)
    }

    @Test("denials name layer, rule, certainty and the smallest grant") func denials() async throws {
        let world = try await World()
        let missing = try present(try await world.decide("filesystem:workspace:.env read").denial)
        #expect(missing.layer == .capability && missing.rule == "no record" && missing.isCertain)
        #expect(missing.suggestion == "allow filesystem:workspace:.env read for \(world.parent)")
        let record = try await world.grant("deny filesystem:workspace:.env read")
        let denied = try present(try await world.decide("filesystem:workspace:.env read").denial)
        #expect(denied.rule == record.id.text && denied.suggestion == nil)
        #expect(try present(try await world.decide("shell:rm execute").denial).isCertain == false)
        let conditional = try await world.grant("allow filesystem:workspace:a read") { $0.constraints.tools = ["x"] }
        let unmet = try present(try await world.decide("filesystem:workspace:a read").denial)
        #expect(unmet.rule == conditional.id.text && unmet.suggestion == "allow filesystem:workspace:a read for \(world.parent)")
    }

    @Test("what must be asked is refused where nobody can be asked, and decisions can be put on record") func unasked() async throws {
        let world = try await World()
        let record = try await world.grant("ask filesystem:workspace:a write")
        let decision = try await world.decide("filesystem:workspace:a write")
        #expect(decision.denial == nil && decision.denialWithoutHuman?.rule == record.id.text)
        try await world.write { (transaction, broker) throws(LibOSError) in try broker.record(decision, correlation: "c", in: transaction) }
        let audit = try present(try await world.audit("capability.authorize").last)
        #expect(audit.entry.actor == world.parent.text && audit.entry.capabilities == [record.id] && audit.entry.correlation == "c")
    }

    @Test("a path record means the same however it was made") func exactPaths() async throws {
        let world = try await World()
        var secret = try Resource.parse("filesystem:workspace:secrets")
        secret.extent = .exact
        let deny = CapabilityRecord(
            subject: world.parent, resource: secret, rights: [.read], effect: .deny, issuedBy: "human:owner", issuedAt: world.now)
        try await world.write { (transaction, _) throws(LibOSError) in try transaction.insert(deny) }
        try await world.grant("allow filesystem:workspace:* read")
        #expect(try await world.effect("filesystem:workspace:secrets/token read") == .deny)
    }
}
