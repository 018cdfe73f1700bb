import Testing

@testable import SandboxPolicy

@Suite struct SessionTermsTests {
    private static func policy(_ name: String, _ more: String, parents: [String: String] = [:]) throws -> ResolvedPolicy {
        try Fixtures.policy("version: 1\nname: \(name)\n\(more)", parents: parents)
    }

    @Test("off without a word; what is left out has its standard") func standard() throws {
        #expect(try Self.policy("t", "").sessions == nil)
        #expect(
            try Self.policy("t", "sessions: {tools: [b, a]}\n").sessions
                == SessionTerms(tools: ["a", "b"], calls: 100, idleMilliseconds: 60_000, lifetimeMilliseconds: 600_000))
        #expect(
            try Self.policy("t", "sessions: {tools: [a], calls: 5, idle: 500ms, lifetime: 1h}\n").sessions
                == SessionTerms(tools: ["a"], calls: 5, idleMilliseconds: 500, lifetimeMilliseconds: 3_600_000))
        #expect(try Self.policy("t", "sessions: {tools: []}\n").sessions == nil)
    }

    @Test(
        "other keys, other shapes and numbers without measure are errors",
        arguments: [
            "sessions: [a]\n", "sessions: {calls: 5}\n", "sessions: {tools: a}\n", "sessions: {tool: [a]}\n",
            "sessions: {tools: [\"*\"]}\n",
            "sessions: {tools: [a, a]}\n", "sessions: {tools: [\"a b\"]}\n", "sessions: {tools: [\"\"]}\n",
            "sessions: {tools: [a], calls: 0}\n", "sessions: {tools: [a], calls: 10001}\n", "sessions: {tools: [a], calls: many}\n",
            "sessions: {tools: [a], idle: 60}\n", "sessions: {tools: [a], idle: 2h}\n", "sessions: {tools: [a], lifetime: 25h}\n",
            "sessions: {tools: [a], lifetime: -1s}\n", "sessions: {tools: [a]}\nsessions: {tools: [a]}\n",
        ]) func wrong(_ text: String)
    {
        #expect(throws: PolicyError.self) { try Self.policy("t", text) }
    }

    @Test("a child only narrows; below a preset it may say what it wants") func merging() throws {
        let parents = [
            "plain": "version: 1\nname: plain\n", "preset": "version: 1\nname: preset\nroot_preset: true\n",
            "has": "version: 1\nname: has\nsessions: {tools: [a, b], calls: 50, idle: 30s, lifetime: 5m}\n",
        ]
        func child(_ parent: String, _ sessions: String) throws -> SessionTerms? {
            try Self.policy("child", "extends: \(parent)\n" + (sessions.isEmpty ? "" : "sessions: \(sessions)\n"), parents: parents)
                .sessions
        }
        #expect(
            try child("has", "") == SessionTerms(tools: ["a", "b"], calls: 50, idleMilliseconds: 30_000, lifetimeMilliseconds: 300_000))
        #expect(try child("has", "{calls: 10}")?.calls == 10 && child("has", "{calls: 10}")?.tools == ["a", "b"])
        #expect(
            try child("has", "{tools: [a]}")
                == SessionTerms(tools: ["a"], calls: 50, idleMilliseconds: 30_000, lifetimeMilliseconds: 300_000))
        #expect(try child("has", "{tools: []}") == nil)
        #expect(try child("preset", "{tools: [x]}")?.tools == ["x"] && child("preset", "") == nil)
        for (parent, sessions) in [
            ("plain", "{tools: [a]}"), ("has", "{tools: [a, c]}"), ("has", "{calls: 51}"), ("has", "{idle: 31s}"),
            ("has", "{lifetime: 6m}"),
        ] {
            let error = #expect(throws: PolicyError.self) { try child(parent, sessions) }
            #expect(error?.message.contains("widens its parent") == true && error?.line == 4, "\(parent) \(sessions)")
        }
    }

    @Test("two policies together allow what both do") func intersection() {
        let mine = SessionTerms(tools: ["a", "b"], calls: 10, idleMilliseconds: 5, lifetimeMilliseconds: 70)
        let other = SessionTerms(tools: ["b", "c"], calls: 20, idleMilliseconds: 3, lifetimeMilliseconds: 90)
        #expect(mine.intersection(other) == SessionTerms(tools: ["b"], calls: 10, idleMilliseconds: 3, lifetimeMilliseconds: 70))
        #expect(mine.intersection(nil) == nil && mine.intersection(SessionTerms(tools: ["c"])) == nil)
    }

    @Test("it is hashed where it is stated, and only there") func hash() throws {
        let silent = try Self.policy("t", "")
        #expect(!silent.canonicalJSON.contains("sessions"))
        let stated = try Self.policy("t", "sessions: {tools: [a]}\n")
        #expect(
            stated.canonicalJSON.contains(#""sessions":{"calls":100,"idle_ms":60000,"lifetime_ms":600000,"tools":["a"]}"#),
            "\(stated.canonicalJSON)")
        let other = try Self.policy("t", "sessions: {tools: [a], calls: 99}\n")
        #expect(Set([silent.hash, stated.hash, other.hash]).count == 3)
        #expect(try Self.policy("t", "sessions: {tools: []}\n").hash == silent.hash)
    }

    @Test("explain, diff and lint say it") func explained() throws {
        let silent = try Self.policy("t", "")
        let ten = try Self.policy("t", "sessions: {tools: [tally], calls: 10}\n")
        let twenty = try Self.policy("t", "sessions: {tools: [tally], calls: 20}\n")
        let text = try ExplainTests.text(ten, width: 10_000)
        #expect(
            text.contains(
                "a worker of tally may stay for the next calls of the same agent process, up to 10 calls, 1m without one, 10m in all"))
        #expect(text.contains("[policy.yaml:3]"))
        #expect(try !ExplainTests.text(silent, width: 10_000).contains("may stay for the next calls"))
        #expect(
            PolicyDiff(from: silent, to: ten).text
                .contains("+ lets one worker of `tally` serve more than one call of a process"))
        #expect(PolicyDiff(from: ten, to: twenty).text.contains("+ raises `calls` of sessions from 10 to 20"))
        #expect(PolicyDiff(from: twenty, to: ten).lost.map(\.setting) == ["sessions.calls"])
        #expect(PolicyDiff(from: ten, to: ten).isEmpty)
        func kinds(_ sessions: String) throws -> [String] {
            try Self.policy("t", "sessions: \(sessions)\n").lint().filter { $0.kind == .uselessSession }.map(\.location)
        }
        #expect(try kinds("{tools: [a]}").isEmpty)
        #expect(try kinds("{tools: [a], calls: 1}") == ["policy.yaml:3"])
        #expect(try kinds("{tools: [a], idle: 10m}") == ["policy.yaml:3"])
    }

    @Test("narrowing a policy to a call keeps its sessions; they are no authority") func narrowed() throws {
        let policy = try Self.policy("t", "sessions: {tools: [a]}\n")
        #expect(try policy.adding(PolicyOverrides(allow: ["process:spawn"])).sessions == policy.sessions)
    }
}
