import CapabilityLanguage
import Testing

@testable import SandboxPolicy

@Suite struct AskChannelTests {
    private static func policy(_ name: String, _ more: String, parents: [String: String] = [:]) throws -> ResolvedPolicy {
        try Fixtures.policy("version: 1\nname: \(name)\n\(more)", parents: parents)
    }

    private static func channel(_ policy: ResolvedPolicy, _ action: String) throws -> AskChannel {
        let action = try PolicyAction.parse(action)
        return policy.askTrust(for: action.resource, rights: action.rights).channel
    }

    @Test(
        "without a word, what leads out of the workspace is answered locally",
        arguments: [
            ("filesystem:workspace:src/a read,write,delete", AskChannel.any), ("filesystem:host:/etc/hosts read", .any),
            ("filesystem:host:/etc/hosts write", .local), ("filesystem:host:/srv delete", .local),
            ("filesystem:workspace:tool execute", .local),
            ("network:tcp:example.org:443 connect", .local), ("network:listen:80 listen", .local), ("network:loopback connect", .local),
            ("process:spawn execute", .local), ("shell:git execute", .local), ("device:/dev/fuse read", .local),
            ("syscall:ptrace execute", .local),
            ("secret:token read", .local), ("mcp:files:write execute", .local), ("jsonrpc:x execute", .local),
            ("environment:LANG read", .any),
            ("clock:now read", .any),
        ] as [(String, AskChannel)]) func standard(_ action: String, _ expected: AskChannel) throws
    {
        #expect(try Self.channel(Self.policy("t", ""), action) == expected)
        #expect(try Self.channel(Self.policy("t", "ask: {channel: any}\n"), action) == .any)
        #expect(try Self.channel(Self.policy("t", "ask: {channel: local}\n"), action) == .local)
    }

    @Test(
        "a wrapped server is trusted as far as its sandbox holds nothing beyond the workspace",
        arguments: [
            (#"allow: "filesystem:workspace:*", rights: [read, write, delete]"#, AskChannel.any),
            (#"allow: "filesystem:host:/usr", rights: [read, execute]"#, .any), (#"allow: "process:spawn""#, .any),
            (#"allow: "process:*", rights: [read]"#, .any), (#"allow: "shell:git""#, .any), (#"ask: "mcp:files:write""#, .any),
            (#"ask: "process:spawn""#, .local), (#"ask: "shell:git""#, .local),
            (#"allow: "filesystem:host:/srv", rights: [write]"#, .local),
            (#"ask: "filesystem:host:/srv", rights: [delete]"#, .local), (#"allow: "network:tcp:example.org:443""#, .local),
            (#"allow: "network:listen:8080""#, .local), (#"allow: "network:loopback""#, .local), (#"deny: "network:*""#, .any),
            (#"allow: "device:/dev/fuse", rights: [read]"#, .local),
        ] as [(String, AskChannel)]) func server(_ rule: String, _ expected: AskChannel) throws
    {
        let trust = try Fixtures.rules(rule).askTrustOfServer
        #expect(trust.channel == expected)
        if expected == .local { #expect(trust.reason.contains("policy.yaml:4")) }
        #expect(try Fixtures.rules(rule, more: "ask: {channel: any}\n").askTrustOfServer.channel == .any)
        #expect(try Fixtures.rules(rule, more: "ask: {channel: local}\n").askTrustOfServer.channel == .local)
    }

    @Test("a child only narrows, and `local` is final even below a preset") func merging() throws {
        let parents = [
            "plain": "version: 1\nname: plain\n", "preset": "version: 1\nname: preset\nroot_preset: true\n",
            "any": "version: 1\nname: any\nask: {channel: any}\n", "local": "version: 1\nname: local\nask: {channel: local}\n",
            "locked": "version: 1\nname: locked\nroot_preset: true\nask: {channel: local}\n",
        ]
        func child(_ parent: String, _ ask: String) throws -> AskChannel? {
            try Self.policy("child", "extends: \(parent)\n" + (ask.isEmpty ? "" : "ask: {channel: \(ask)}\n"), parents: parents).askChannel
        }
        #expect(try child("plain", "local") == .local && child("any", "local") == .local && child("any", "") == .any)
        #expect(try child("any", "any") == .any && child("local", "") == .local && child("local", "local") == .local)
        #expect(try child("preset", "any") == .any && child("preset", "") == nil)
        for parent in ["plain", "local", "locked"] {
            let error = #expect(throws: PolicyError.self) { try child(parent, "any") }
            #expect(error?.message.contains("widens its parent") == true && error?.line == 4, "\(parent)")
        }
    }

    @Test(
        "other words, other keys and other shapes are errors",
        arguments: [
            "ask: {channel: remote}\n", "ask: {channel: [any]}\n", "ask: any\n", "ask: {channels: any}\n", "ask: {channel: }\n",
        ]) func wrong(_ text: String)
    {
        #expect(throws: PolicyError.self) { try Self.policy("t", text) }
    }

    @Test("it is hashed where it is stated, and only there") func hash() throws {
        let silent = try Self.policy("t", "")
        #expect(!silent.canonicalJSON.contains("ask"))
        let hashes = Set(
            [silent, try Self.policy("t", "ask: {channel: any}\n"), try Self.policy("t", "ask: {channel: local}\n")].map(\.hash))
        #expect(hashes.count == 3)
        #expect(try Self.policy("t", "ask: {}\n").hash == silent.hash)
    }

    @Test("explain and diff say it") func explained() throws {
        let local = try Self.policy("t", "ask: {channel: local}\n")
        let any = try Self.policy("t", "ask: {channel: any}\n")
        let silent = try Self.policy("t", "capabilities:\n  - {ask: \"clock:now\", rights: [read]}\n")
        func text(_ policy: ResolvedPolicy) throws -> String { try ExplainTests.text(policy, width: 10_000) }
        #expect(try text(local).contains("answered on this machine alone; what an MCP client answers does not count [policy.yaml:3]"))
        #expect(try text(any).contains("in a form of an MCP client, which could answer it by itself [policy.yaml:3]"))
        #expect(try text(silent).contains("where it is about writing outside of the workspace"))
        #expect(try !text(Self.policy("t", "")).contains("must be asked about"))
        #expect(PolicyDiff(from: local, to: any).text.contains("+ counts an MCP client's answer to every question"))
        #expect(PolicyDiff(from: any, to: local).text.contains("- counts an MCP client's answer to every question"))
        #expect(PolicyDiff(from: local, to: try Self.policy("t", "")).gained.map(\.setting) == ["ask.channel"])
    }
}
