import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import SandboxPolicy
import Testing

/// Records and policy together: the lower word counts.
struct PolicyWordTests {
    static let rows: [(records: [String], rules: [String], need: String, expected: Effect, layer: Denial.Layer?)] = [
        (
            ["allow filesystem:workspace:* read"], ["allow: 'filesystem:workspace:*', rights: [read]"], "filesystem:workspace:a read",
            .allow, nil
        ),
        (["allow filesystem:workspace:* read"], [], "filesystem:workspace:a read", .deny, .policy),
        (
            ["allow filesystem:workspace:* read"],
            ["deny: 'filesystem:workspace:.env', rights: [read]", "allow: 'filesystem:workspace:*', rights: [read]"],
            "filesystem:workspace:.env read", .deny, .policy
        ),
        (
            ["allow filesystem:workspace:* write"], ["ask: 'filesystem:workspace:*', rights: [write]"], "filesystem:workspace:a write",
            .ask, nil
        ),
        (
            ["ask filesystem:workspace:* write"], ["allow: 'filesystem:workspace:*', rights: [write]"], "filesystem:workspace:a write",
            .ask, nil
        ),
        (["ask filesystem:workspace:* write"], [], "filesystem:workspace:a write", .deny, .policy),
        ([], ["allow: 'filesystem:workspace:*', rights: [read]"], "filesystem:workspace:a read", .deny, .capability),
        (
            ["deny filesystem:workspace:a read"], ["allow: 'filesystem:workspace:*', rights: [read]"], "filesystem:workspace:a read", .deny,
            .capability
        ),
        // What only libOS calls use concerns a policy that names it, and no other.
        (["allow object:a read"], [], "object:a read", .allow, nil),
        (["allow object:a read"], ["deny: 'object:*', rights: [read]"], "object:a read", .deny, .policy),
        (["allow object:a read"], ["ask: 'object:*', rights: [read]"], "object:a read", .ask, nil),
        (["allow process:* read"], [], "process:pid_1 read", .allow, nil),
        (["allow process:spawn execute"], [], "process:spawn execute", .deny, .policy),
        (["allow clock:* read"], [], "clock:now read", .allow, nil),
        (["allow secret:s read"], [], "secret:s read", .deny, .policy),
        // Programs run by name, or by the directory that a policy lets run.
        (["allow shell:git execute"], ["allow: 'shell:git'"], "shell:git execute", .allow, nil),
        (["allow shell:git execute"], ["allow: 'filesystem:host:/usr', rights: [read, execute]"], "shell:git execute", .allow, nil),
        (["allow shell:git execute"], ["allow: 'filesystem:host:/usr', rights: [read]"], "shell:git execute", .deny, .policy),
        (["allow shell:git execute"], ["allow: 'filesystem:host:/opt', rights: [read, execute]"], "shell:git execute", .deny, .policy),
        (["allow shell:git execute"], ["ask: 'filesystem:host:/usr', rights: [read, execute]"], "shell:git execute", .ask, nil),
        (
            ["allow shell:git execute"], ["allow: 'filesystem:host:/usr', rights: [read, execute]", "deny: 'shell:git'"],
            "shell:git execute", .deny, .policy
        ),
    ]

    private func policy(_ rules: [String]) throws -> ResolvedPolicy {
        let text = "version: 1\nname: t\ncapabilities:" + (rules.isEmpty ? " []\n" : "\n" + rules.map { "  - {\($0)}\n" }.joined())
        return try PolicyLoader.load(Array(text.utf8), fileName: "t.yaml") { _ in throw Unreadable() }
    }

    @Test("records and a policy", arguments: rows.indices) func word(_ index: Int) async throws {
        let row = Self.rows[index]
        let world = try await World()
        for record in row.records { try await world.grant(record) }
        let request = AuthorizationRequest(subject: world.parent, needs: [try NeededRight(row.need)], policy: try policy(row.rules))
        let decision = try await world.write { (transaction, broker) throws(LibOSError) in try broker.authorize(request, in: transaction) }
        #expect(decision.effect == row.expected, "\(row)\n\(decision.reason)")
        #expect(decision.denial?.layer == row.layer)
    }

    @Test("a yes to this very action answers the policy's ask; a standing allow does not") func answered() async throws {
        let world = try await World()
        try await world.grant("allow filesystem:workspace:a write")
        let policy = try policy(["ask: 'filesystem:workspace:*', rights: [write]"])
        var request = AuthorizationRequest(
            subject: world.parent, needs: [try NeededRight("filesystem:workspace:a write")], context: ActionContext(actionHash: "h1"),
            policy: policy)
        let before = request
        #expect(try await world.write { (tx, broker) throws(LibOSError) in try broker.authorize(before, in: tx) }.effect == .ask)
        try await world.grant("allow filesystem:workspace:a write") { ($0.uses, $0.constraints.actionHash) = (1, "h1") }
        let decision = try await world.write { (tx, broker) throws(LibOSError) in try broker.authorize(before, in: tx) }
        #expect(decision.isAllowed && decision.grants.map(\.answered) == [[.write]])
        let confinement = try policy.narrowed(to: decision.grants).confinement(workspace: "/w", workspaceWritable: true)
        #expect(Oracle.rights(confinement, at: "/w/a") == .write)
        request.context.actionHash = "h2"
        let other = request
        #expect(try await world.write { (tx, broker) throws(LibOSError) in try broker.authorize(other, in: tx) }.effect == .deny)
    }
}
