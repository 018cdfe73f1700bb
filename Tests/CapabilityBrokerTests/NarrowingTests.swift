import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import SandboxPolicy
import Testing

struct NarrowingTests {
    private func policy(_ rules: String..., more: String = "") throws -> ResolvedPolicy {
        let text = "version: 1\nname: t\ncapabilities:\n" + rules.map { "  - {\($0)}\n" }.joined() + more
        return try PolicyLoader.load(Array(text.utf8), fileName: "t.yaml") { _ in throw Unreadable() }
    }

    private func grant(_ text: String) throws -> CapabilityGrant {
        let need = try NeededRight(text)
        return CapabilityGrant(resource: need.resource, rights: need.rights)
    }

    @Test("one file and nothing else") func oneFile() throws {
        let policy = try policy(
            "allow: 'filesystem:workspace:*', rights: [read, write]", "deny: 'filesystem:workspace:.env', rights: [read, write]",
            "allow: 'filesystem:host:/usr', rights: [read, execute]", "allow: 'process:spawn'",
            "allow: 'network:tcp:example.org:443'", more: "environment: {pass: [LANG, TZ], set: {HOME: /tmp}}\n")
        let narrow = policy.narrowed(to: [try grant("filesystem:workspace:src/a read")])
        let confinement = try narrow.confinement(workspace: "/w", workspaceWritable: true)
        #expect(confinement.grants.map(\.path) == ["/w/src/a"] && confinement.grants.map(\.rights) == [.read])
        #expect(confinement.network.isNone && !confinement.maySpawn && confinement.environment.pass.isEmpty)
        #expect(confinement.environment.set == ["HOME": "/tmp"])
        #expect(narrow.rules.contains { $0.effect == .deny && $0.resource.description == "filesystem:workspace:.env" })
        #expect(narrow.isSubset(of: policy) && !policy.isSubset(of: narrow) && narrow.hash != policy.hash)
        // Where the policy denies, a grant gives nothing.
        let secret = policy.narrowed(to: [try grant("filesystem:workspace:.env read")])
        #expect(try secret.confinement(workspace: "/w", workspaceWritable: true).grants.isEmpty)
    }

    @Test("no grant, nothing") func nothing() throws {
        let policy = try policy(
            "allow: 'filesystem:workspace:*', rights: [read]", "allow: 'process:spawn'", more: "environment: {pass: [TZ]}\n")
        let confinement = try policy.narrowed(to: []).confinement(workspace: "/w", workspaceWritable: true)
        #expect(confinement.grants.isEmpty && !confinement.maySpawn && confinement.environment.pass.isEmpty && confinement.workspace == nil)
    }

    @Test("a program by name, where a policy lets a directory run") func programs() throws {
        let policy = try policy("allow: 'filesystem:host:/usr', rights: [read, execute]", "deny: 'shell:bash'")
        let narrow = policy.narrowed(to: [try grant("shell:git execute"), try grant("shell:bash execute")])
        let confinement = try narrow.confinement(workspace: nil, workspaceWritable: false)
        #expect(Set(confinement.grants.map(\.path)).isSuperset(of: ["/usr/bin/git"]))
        #expect(!confinement.grants.contains { $0.path == "/usr" || $0.path == "/usr/bin" })
        #expect(Oracle.rights(confinement, at: "/usr/bin/git") == [.read, .execute])
        #expect(Oracle.rights(confinement, at: "/usr/bin/bash") == [] && Oracle.rights(confinement, at: "/usr/bin/gitk") == [])
    }

    @Test("ports, hosts and variables one by one") func endpoints() throws {
        let policy = try policy(
            "allow: 'network:tcp:example.org:*'", "allow: 'network:loopback'", "allow: 'environment:EDITOR'",
            more: "environment: {pass: [LANG, TZ]}\n")
        let narrow = policy.narrowed(to: [
            try grant("network:tcp:example.org:443 connect"), try grant("environment:TZ read"), try grant("environment:EDITOR read"),
            try grant("environment:AWS_SECRET read"), try grant("network:tcp:evil.org:443 connect"),
        ])
        let confinement = try narrow.confinement(workspace: nil, workspaceWritable: false)
        #expect(confinement.network.connect.map { "\($0.host):\($0.port ?? 0)" } == ["example.org:443"])
        #expect(confinement.network.loopback == nil && confinement.environment.pass == ["EDITOR", "TZ"])
    }

    @Test("an ask stays unless somebody answered it") func asks() throws {
        let policy = try policy("allow: 'filesystem:workspace:*', rights: [read]", "ask: 'filesystem:workspace:src', rights: [write]")
        var need = try grant("filesystem:workspace:src/a read,write")
        let unanswered = try policy.narrowed(to: [need]).confinement(workspace: "/w", workspaceWritable: true)
        #expect(Oracle.rights(unanswered, at: "/w/src/a") == .read)
        need.answered = [.write]
        let answered = try policy.narrowed(to: [need]).confinement(workspace: "/w", workspaceWritable: true)
        #expect(Oracle.rights(answered, at: "/w/src/a") == [.read, .write] && Oracle.rights(answered, at: "/w/src/b") == [])
    }

    @Test("limits only fall") func limits() throws {
        let policy = try policy("allow: 'process:spawn'", more: "limits: {wall: 10s, pids: 5}\n")
        let narrow = policy.narrowed(to: [], limits: [.wall: 3000, .pids: 50])
        #expect(narrow.limits.wallMilliseconds == 3000 && narrow.limits.pids == 5)
    }

    @Test("what a policy gives by itself can be kept beside the grants") func standing() throws {
        let runtime = try policy(
            "allow: 'filesystem:host:/usr', rights: [read, execute]", "allow: 'process:spawn'", more: "environment: {pass: [LANG]}\n")
        let policy = try policy(
            "allow: 'filesystem:host:/usr', rights: [read, execute]", "allow: 'process:spawn'",
            "allow: 'filesystem:workspace:*', rights: [read]",
            more: "environment: {pass: [LANG, TZ]}\n")
        let narrow = policy.narrowed(to: runtime.standingGrants + [try grant("filesystem:workspace:a read")])
        let confinement = try narrow.confinement(workspace: "/w", workspaceWritable: true)
        #expect(confinement.grants.map(\.path) == ["/usr", "/w/a"] && confinement.maySpawn && confinement.environment.pass == ["LANG"])
    }

    @Test("decision, grants and confinement in one line: the tree without what a record keeps out") func fromDecision() async throws {
        let world = try await World()
        try await world.grant("allow filesystem:workspace:* read")
        try await world.grant("deny filesystem:workspace:secrets read")
        try await world.grant("ask filesystem:workspace:drafts read")
        let policy = try policy("allow: 'filesystem:workspace:*', rights: [read, write]")
        let request = AuthorizationRequest(
            subject: world.parent, needs: [try NeededRight("filesystem:workspace:* read")], policy: policy)
        let decision = try await world.write { (transaction, broker) throws(LibOSError) in try broker.authorize(request, in: transaction) }
        let confinement = try policy.narrowed(to: decision.grants).confinement(workspace: "/w", workspaceWritable: true)
        #expect(Oracle.rights(confinement, at: "/w/src") == .read)
        #expect(Oracle.rights(confinement, at: "/w/secrets/token") == [] && Oracle.rights(confinement, at: "/w/drafts") == [])
    }
}
