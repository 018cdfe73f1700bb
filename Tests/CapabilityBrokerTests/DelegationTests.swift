import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import StrictJSON
import Testing

struct DelegationTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var name: String
        var isAllowed = false
        var parent: @Sendable (inout CapabilityTerms, World) -> Void = { _, _ in }
        var terms: @Sendable (inout CapabilityTerms, World) throws -> Void = { _, _ in }
        var others: [String] = []
        var testDescription: String { name }
    }

    /// The parent holds a delegable allow on `src` for reading and writing; it delegates reading `src/a` when a row says nothing else.
    static let rows = [
        Row(name: "a part of it", isAllowed: true),
        Row(
            name: "all of it", isAllowed: true,
            terms: { terms, _ in (terms.resource, terms.rights) = (try Resource.parse("filesystem:workspace:src"), [.read, .write]) }),
        Row(name: "not delegable", parent: { terms, _ in terms.isDelegable = false }),
        Row(name: "another place", terms: { terms, _ in terms.resource = try Resource.parse("filesystem:workspace:src2") }),
        Row(name: "a wider place", terms: { terms, _ in terms.resource = try Resource.parse("filesystem:workspace:*") }),
        Row(name: "another right", terms: { terms, _ in terms.rights = [.read, .delete] }),
        Row(name: "a deny", terms: { terms, _ in terms.effect = .deny }),
        Row(name: "an ask", terms: { terms, _ in terms.effect = .ask }),
        Row(name: "as long", isAllowed: true, parent: { $0.expiresAt = $1.later(9) }, terms: { $0.expiresAt = $1.later(9) }),
        Row(name: "longer", parent: { $0.expiresAt = $1.later(9) }, terms: { $0.expiresAt = $1.later(9.000001) }),
        Row(name: "without naming an end", isAllowed: true, parent: { $0.expiresAt = $1.later(9) }),
        Row(name: "finite uses", parent: { terms, _ in terms.uses = 5 }, terms: { terms, _ in terms.uses = 1 }),
        Row(name: "one use of a record without end", isAllowed: true, terms: { terms, _ in terms.uses = 1 }),
        Row(
            name: "constraint kept", isAllowed: true, parent: { terms, _ in terms.constraints.tools = ["x"] },
            terms: { terms, _ in terms.constraints.tools = ["x"] }),
        Row(name: "constraint dropped", parent: { terms, _ in terms.constraints.tools = ["x"] }),
        Row(
            name: "constraint widened", parent: { terms, _ in terms.constraints.tools = ["x"] },
            terms: { terms, _ in terms.constraints.tools = ["x", "y"] }),
        Row(
            name: "constraint of another kind instead", parent: { terms, _ in terms.constraints.tools = ["x"] },
            terms: { terms, _ in terms.constraints.actionHash = "x" }),
        Row(
            name: "argument prefixes reordered", parent: { terms, _ in terms.constraints.argumentPrefixes = [["a"], ["b"]] },
            terms: { terms, _ in terms.constraints.argumentPrefixes = [["b"], ["a"]] }),
        Row(name: "constraint added", isAllowed: true, terms: { terms, _ in terms.constraints.tools = ["x"] }),
        Row(name: "depth used up", parent: { terms, _ in terms.maxDelegationDepth = 0 }),
        Row(name: "depth left", isAllowed: true, parent: { terms, _ in terms.maxDelegationDepth = 1 }),
        Row(
            name: "more depth than is left", parent: { terms, _ in terms.maxDelegationDepth = 1 },
            terms: { terms, _ in terms.maxDelegationDepth = 1 }),
        Row(
            name: "all depth there is", parent: { terms, _ in terms.maxDelegationDepth = 3 },
            terms: { terms, _ in terms.maxDelegationDepth = .max }),
        // What the holder's other records say about the place.
        Row(name: "denied to the parent", others: ["deny filesystem:workspace:* read"]),
        Row(name: "asked of the parent", others: ["ask filesystem:workspace:src/a read"]),
        Row(name: "denied inside", others: ["deny filesystem:workspace:src/a/secret read"]),
        Row(name: "asked inside", others: ["ask filesystem:workspace:src/a/secret read"]),
        Row(name: "a narrower record that is not delegable", others: ["allow filesystem:workspace:src/a read"]),
        Row(
            name: "denied elsewhere", isAllowed: true,
            others: ["deny filesystem:workspace:src/b read", "deny filesystem:workspace:src/a write"]),
        Row(name: "a wider ask", isAllowed: true, others: ["ask filesystem:workspace:* read"]),
    ]

    @Test("delegating", arguments: rows) func delegate(_ row: Row) async throws {
        let world = try await World()
        let parent = try await world.grant("allow filesystem:workspace:src read,write") {
            $0.isDelegable = true
            row.parent(&$0, world)
        }
        for other in row.others { try await world.grant(other) }
        var terms = try CapabilityTerms("allow filesystem:workspace:src/a read")
        try row.terms(&terms, world)
        let (given, actor, child) = (terms, world.parent, world.child)
        let refusal = await world.refusal { (transaction, broker) throws(LibOSError) in
            try broker.delegate(parent.id, given, to: child, by: actor, in: transaction)
        }
        #expect((refusal == nil) == row.isAllowed, "\(refusal?.message ?? "delegated")")
        guard row.isAllowed else {
            #expect(refusal?.code == .denied || refusal?.code == .validation)
            #expect(try await world.events(for: child).isEmpty)
            return
        }
        let audit = try present(try await world.audit("capability.delegate").last)
        let record = try present(try await world.record(audit.entry.capabilities[0]))
        #expect(audit.entry.capabilities == [record.id, parent.id] && audit.entry.actor == actor.text)
        #expect(record.parent == parent.id && record.delegationDepth == 1 && record.subject == child)
        #expect(record.expiresAt ?? world.later(1e9) <= parent.expiresAt ?? world.later(1e9))
        if let depth = parent.maxDelegationDepth { #expect(record.maxDelegationDepth == depth - 1) }
        #expect(try await world.events(for: child).map(\.type) == [.capabilityGranted])
    }

    @Test("only the holder delegates, and is not told about records of others") func holder() async throws {
        let world = try await World()
        let record = try await world.grant("allow filesystem:workspace:src read") { $0.isDelegable = true }
        let (stranger, child, terms) = (world.stranger, world.child, try CapabilityTerms("allow filesystem:workspace:src read"))
        let foreign = await world.refusal { (transaction, broker) throws(LibOSError) in
            try broker.delegate(record.id, terms, to: child, by: stranger, in: transaction)
        }
        let missing = await world.refusal { (transaction, broker) throws(LibOSError) in
            try broker.delegate(CapabilityID.new(), terms, to: child, by: stranger, in: transaction)
        }
        #expect(foreign?.code == .notFound && missing?.code == .notFound)
    }

    @Test("an ended parent hands nothing on", arguments: ["expired", "revoked", "disabled"]) func ended(_ how: String) async throws {
        let world = try await World()
        let root = try await world.grant("allow filesystem:workspace:src read", to: world.stranger) { $0.isDelegable = true }
        let (holder, child, stranger) = (world.parent, world.child, world.stranger)
        var terms = try CapabilityTerms("allow filesystem:workspace:src read")
        terms.isDelegable = true
        if how == "expired" { terms.expiresAt = world.later(5) }
        let (given, again) = (terms, try CapabilityTerms("allow filesystem:workspace:src read"))
        let record = try await world.write { (transaction, broker) throws(LibOSError) in
            try broker.delegate(root.id, given, to: holder, by: stranger, in: transaction)
        }
        switch how {
        case "expired": world.clock.advance(seconds: 5)
        case "revoked":
            try await world.write { (tx, broker) throws(LibOSError) in _ = try broker.revoke(record.id, by: World.owner, in: tx) }
        default: try await world.write { (tx, broker) throws(LibOSError) in _ = try broker.revoke(root.id, by: World.owner, in: tx) }
        }
        let refusal = await world.refusal { (transaction, broker) throws(LibOSError) in
            try broker.delegate(record.id, again, to: child, by: holder, in: transaction)
        }
        #expect(refusal?.code == .denied)
    }

    /// Held by the parent, what the child is to inherit, and whether it does.
    static let inherited: [(held: [(String, isDelegable: Bool)], wanted: String, isAllowed: Bool)] = [
        ([("allow filesystem:workspace:src read", true)], "filesystem:workspace:src/app.py read", true),
        ([("allow filesystem:workspace:src read", false)], "filesystem:workspace:src/app.py read", false),
        ([("ask filesystem:workspace:src read", false)], "filesystem:workspace:src/app.py read", false),
        ([("deny filesystem:workspace:src read", false)], "filesystem:workspace:src/app.py read", false),
        ([], "filesystem:workspace:src/app.py read", false),
        ([("allow filesystem:workspace:src/app.py read", true)], "filesystem:workspace:src read", false),
        ([("allow filesystem:workspace:src read", true)], "filesystem:workspace:src read,write", false),
        (
            [("allow filesystem:workspace:src read", true), ("allow filesystem:workspace:src write", true)],
            "filesystem:workspace:src read,write", true
        ),
        (
            [("allow filesystem:workspace:src read", true), ("ask filesystem:workspace:src write", false)],
            "filesystem:workspace:src read,write", false
        ),
        (
            [("allow filesystem:workspace:* read", true), ("deny filesystem:workspace:.env read", false)], "filesystem:workspace:* read",
            false
        ),
        (
            [("allow filesystem:workspace:* read", true), ("deny filesystem:workspace:.env read", false)], "filesystem:workspace:src read",
            true
        ),
        (
            [("allow filesystem:workspace:src read", true), ("allow filesystem:workspace:secrets read", false)],
            "filesystem:workspace:secrets read", false
        ),
    ]

    @Test("inheriting", arguments: inherited.indices) func inherit(_ index: Int) async throws {
        let row = Self.inherited[index]
        let world = try await World()
        for (text, isDelegable) in row.held { try await world.grant(text) { $0.isDelegable = isDelegable } }
        let (parent, child, wanted) = (world.parent, world.child, try NeededRight(row.wanted))
        let refusal = await world.refusal { (transaction, broker) throws(LibOSError) in
            try broker.inherit(
                from: parent, to: child, resource: wanted.resource, rights: wanted.rights, by: .runtime("process.fork:\(parent)"),
                in: transaction)
        }
        #expect((refusal == nil) == row.isAllowed, "\(refusal?.message ?? "inherited")")
        #expect(try await world.effect(row.wanted, by: child) == (row.isAllowed ? .allow : .deny))
        let audit = try await world.audit("capability.inherit")
        #expect(audit.isEmpty == !row.isAllowed)
        #expect(
            audit.allSatisfy { $0.entry.actor == "process.fork:\(parent)" && $0.entry.decision["inherited_from"] == .string(parent.text) })
    }

    @Test("what is counted or conditional is not inherited", arguments: ["counted", "conditional"]) func unconditional(_ how: String)
        async throws
    {
        let world = try await World()
        try await world.grant("allow filesystem:workspace:src read") {
            $0.isDelegable = true
            if how == "counted" { $0.uses = 5 } else { $0.constraints.tools = ["x"] }
        }
        let (parent, child, wanted) = (world.parent, world.child, try NeededRight("filesystem:workspace:src read"))
        let refusal = await world.refusal { (transaction, broker) throws(LibOSError) in
            try broker.inherit(
                from: parent, to: child, resource: wanted.resource, rights: wanted.rights, by: World.runtime, in: transaction)
        }
        #expect(refusal?.code == .denied)
    }
}
