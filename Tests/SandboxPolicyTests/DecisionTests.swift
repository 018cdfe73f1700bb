internal import CapabilityLanguage
import Testing

@testable import SandboxPolicy

/// What `policy check` and `policy test` answer is what a run enforces, in both directions.
@Suite struct DecisionTests {
    func effect(_ policy: ResolvedPolicy, _ action: String) throws -> Effect { policy.decide(try PolicyAction.parse(action)).effect }

    static let environment = "environment: {pass: [LANG, TZ], set: {MODE: fast, CI: '1'}}\n"

    @Test(arguments: [
        ("LANG", Effect.allow), ("MODE", .allow), ("TERM", .allow), ("TZ", .deny), ("CI", .ask), ("OTHER", .deny), ("HOME", .allow),
    ])
    func variables(name: String, expected: Effect) throws {
        let policy = try Fixtures.rules(
            "allow: 'environment:TERM'", "deny: 'environment:TZ', because: x", "ask: 'environment:CI', because: y", more: Self.environment)
        #expect(try effect(policy, "environment:\(name) read") == expected)
    }

    @Test func aVariableIsAllowedByTheLineThatStatesIt() throws {
        let policy = try Fixtures.rules("allow: 'process:spawn'", more: Self.environment)
        let decision = policy.decide(try PolicyAction.parse("environment:LANG read"))
        #expect(decision.rule?.location == "policy.yaml:5")
        #expect(decision.rule?.text == "environment: {pass: [LANG]}")
        #expect(policy.decide(try PolicyAction.parse("environment:OTHER read")).smallestGrant?.contains("environment:OTHER") == true)
    }

    @Test(arguments: [
        ("read", Effect.allow), ("@time-read", .allow), ("shmget", .allow), ("@sysv-ipc", .deny), ("ptrace", .deny), ("@debug", .deny),
        ("inotify_init", .deny), ("@inotify", .deny), ("mount", .deny), ("fork", .allow), ("nosuchcall", .deny), ("execve", .allow),
        ("kcmp", .ask),
    ])
    func systemCalls(name: String, expected: Effect) throws {
        let policy = try Fixtures.rules(
            "allow: 'process:spawn'", "ask: 'syscall:kcmp', because: x",
            more: "syscalls: {deny: ['@inotify', ptrace], allow: [shmget, '@debug']}\n")
        #expect(try effect(policy, "syscall:\(name) execute") == expected)
    }

    @Test func systemCallsFollowTheBaseAndTheOtherRules() throws {
        let compute = try Fixtures.load("compute.yaml")
        #expect(try effect(compute, "syscall:socket execute") == .deny)
        #expect(try effect(compute, "syscall:fork execute") == .deny)
        #expect(try effect(compute, "syscall:read execute") == .allow)
        // The base has the call, and process:spawn is missing.
        let single = try Fixtures.rules("allow: 'filesystem:host:/usr', rights: [read, execute]")
        #expect(try effect(single, "syscall:fork execute") == .deny)
        let decision = single.decide(try PolicyAction.parse("syscall:fork execute"))
        #expect(decision.reason.contains("process:spawn"))
        #expect(single.decide(try PolicyAction.parse("syscall:mount execute")).smallestGrant == nil)
    }

    @Test(arguments: [
        ("shell:env execute", Effect.allow), ("shell:/usr/bin/env execute", .allow), ("shell:/opt/env execute", .deny),
        ("shell:curl execute", .deny), ("shell:/usr/bin/curl execute", .deny), ("filesystem:host:/usr/bin/curl read", .deny),
        ("filesystem:host:/usr/lib/x/curl execute", .deny), ("shell:ssh execute", .ask), ("shell:/usr/bin/wget execute", .deny),
        ("shell:wget execute", .allow), ("shell:/srv/tool execute", .allow), ("filesystem:host:/srv/tool read,execute", .allow),
        ("filesystem:host:/srv/tool write", .deny), ("shell:/secret/tool execute", .deny), ("filesystem:host:/usr/bin/env write", .deny),
    ])
    func programs(action: String, expected: Effect) throws {
        let policy = try Fixtures.rules(
            "allow: 'filesystem:host:/usr', rights: [read, execute]", "deny: 'shell:curl', because: x", "ask: 'shell:ssh', because: y",
            "deny: 'filesystem:host:/usr/bin/wget', because: z", "allow: 'shell:/srv/tool'", "allow: 'shell:/secret/tool'",
            "deny: 'filesystem:host:/secret', because: s")
        #expect(try effect(policy, action) == expected)
    }

    @Test func localhostIsTheAddressesThatItStandsFor() throws {
        let policy = try Fixtures.rules("allow: 'network:tcp:localhost:80'", "allow: 'network:tcp:127.0.0.1:81'")
        #expect(try effect(policy, "network:tcp:127.0.0.1:80") == .allow)
        #expect(try effect(policy, "network:tcp:[::1]:80") == .allow)
        #expect(try effect(policy, "network:tcp:127.0.0.1:81") == .allow)
        #expect(try effect(policy, "network:tcp:127.0.0.1:82") == .deny)
        let closed = try Fixtures.rules("allow: 'network:tcp:127.0.0.1:80'", "deny: 'network:tcp:localhost:*', because: x")
        #expect(try effect(closed, "network:tcp:127.0.0.1:80") == .deny)
    }

    /// With a workspace that is known, rules on either name of a file decide.
    @Test func aFileOfTheWorkspaceHasTwoNames() throws {
        let policy = try Fixtures.rules(
            "allow: 'filesystem:host:/home', rights: [read]", "deny: 'filesystem:workspace:.env', because: x",
            "allow: 'filesystem:workspace:out', rights: [write]")
        func decide(_ action: String) throws -> Effect { policy.decide(try PolicyAction.parse(action), workspace: "/home/u/p").effect }
        #expect(try decide("filesystem:host:/home/u/p/.env read") == .deny)
        #expect(try decide("filesystem:workspace:README read") == .allow)
        #expect(try decide("filesystem:host:/home/u/p/out/a write") == .allow)
        #expect(try decide("filesystem:host:/home/u/q/.env read") == .allow)
    }

    @Test func nothingRunsUnderDenyOfEveryProgram() throws {
        let policy = try Fixtures.rules("allow: 'filesystem:host:/usr', rights: [read, execute]", "deny: 'shell:*', because: x")
        #expect(try effect(policy, "filesystem:host:/usr/bin/env execute") == .deny)
        #expect(try effect(policy, "filesystem:host:/usr/bin/env read") == .allow)
        #expect(try effect(policy, "shell:env execute") == .deny)
    }

    /// The decision about every granted and denied path is the confinement's.
    @Test(arguments: ["workspace.yaml", "shell.yaml", "build.yaml", "python.yaml", "read-only.yaml", "compute.yaml"])
    func agreesWithTheConfinement(name: String) throws {
        let policy = try Fixtures.load(name)
        let confinement = try policy.confinement(workspace: "/w", workspaceWritable: true)
        for name in confinement.environment.pass + confinement.environment.set.keys {
            #expect(try effect(policy, "environment:\(name) read") == .allow, "\(name)")
        }
        let calls = try SyscallCatalogue.allowedCalls(confinement.syscalls)
        for (_, name) in SyscallTable.all where try effect(policy, "syscall:\(name) execute") == .allow && name != "execve" {
            #expect(calls.contains(name))
        }
        for grant in confinement.grants where !grant.isWorkspace {
            #expect(try effect(policy, "filesystem:host:\(grant.path) \(grant.rights.names.joined(separator: ","))") == .allow)
        }
    }
}
