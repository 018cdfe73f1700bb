internal import StrictJSON
import Testing

@testable import SandboxPolicy

@Suite struct ConfineTests {
    func paths(_ confinement: Confinement) -> [String] {
        confinement.grants.map { "\($0.path) \($0.rights.names.joined(separator: ","))" }
    }
    func denied(_ confinement: Confinement) -> [String] {
        confinement.denials.map { "\($0.path) \($0.rights.names.joined(separator: ","))" }
    }

    @Test func nestedGrantsAndDenials() throws {
        let policy = try Fixtures.rules(
            "allow: 'filesystem:workspace:*', rights: [read]", "allow: 'filesystem:workspace:out', rights: [write, delete]",
            "deny: 'filesystem:workspace:.env', because: secrets", "ask: 'filesystem:workspace:out/final', rights: [write]",
            "deny: 'filesystem:host:/opt', because: no", "allow: 'filesystem:host:/opt/x', rights: [read]",
            "allow: 'filesystem:host:/usr', rights: [read, execute]")
        let confinement = try policy.confinement(workspace: "/w/p/", workspaceWritable: true)
        #expect(paths(confinement) == ["/usr read,execute", "/w/p read", "/w/p/out read,write,delete"])
        #expect(denied(confinement) == ["/w/p/.env read", "/w/p/out/final write"])
        #expect(confinement.denials[1].rule.because == FileDerivation.askReason)
        #expect(confinement.denials[0].rule.because == "secrets")
        #expect(confinement.grants.map(\.isWorkspace) == [false, true, true])
        #expect(!confinement.maySpawn)
        #expect(confinement.network.isNone)
    }

    @Test func workspaceOpenedReadOnly() throws {
        let policy = try Fixtures.rules("allow: 'filesystem:workspace:*', rights: [read, write, delete]")
        #expect(paths(try policy.confinement(workspace: "/w", workspaceWritable: false)) == ["/w read"])
        let none = try policy.confinement(workspace: nil, workspaceWritable: false)
        #expect(none.grants == [] && none.workspace == nil)
    }

    /// A file has two names when the workspace lies in a granted tree of the host; a deny of either holds.
    @Test func hostRuleReachesTheWorkspace() throws {
        let policy = try Fixtures.rules(
            "allow: 'filesystem:host:/home', rights: [read, write]", "allow: 'filesystem:workspace:*', rights: [read]",
            "deny: 'filesystem:workspace:.env', because: s", "deny: 'filesystem:host:/home/u/p/key', because: k")
        let open = try policy.confinement(workspace: "/home/u/p", workspaceWritable: true)
        #expect(paths(open) == ["/home read,write", "/home/u/p read,write"])
        #expect(denied(open) == ["/home/u/p/.env read,write", "/home/u/p/key read,write"])
        let sealed = try policy.confinement(workspace: "/home/u/p", workspaceWritable: false)
        #expect(denied(sealed) == ["/home/u/p write", "/home/u/p/.env read", "/home/u/p/key read"])
        #expect(sealed.denials[0].rule.text == "workspace opened read-only")
    }

    @Test(arguments: ["relative", "/", "/a/../b", "/a/./b", "/a\u{1B}"]) func badWorkspace(path: String) throws {
        let policy = try Fixtures.rules("allow: 'filesystem:workspace:*', rights: [read]")
        #expect(throws: PolicyError.self) { try policy.confinement(workspace: path, workspaceWritable: true) }
    }

    @Test func optionalOnlyWhenEveryAllowSaysSo() throws {
        let policy = try Fixtures.rules(
            "allow: 'filesystem:host:/a', rights: [read], optional: true", "allow: 'filesystem:host:/b', rights: [read], optional: true",
            "allow: 'filesystem:host:/b', rights: [execute]")
        #expect(try policy.confinement(workspace: nil, workspaceWritable: false).grants.map(\.optional) == [true, false])
    }

    @Test func programs() throws {
        let policy = try Fixtures.rules(
            "allow: 'filesystem:host:/usr', rights: [read, execute]", "allow: 'shell:/opt/tool'", "allow: 'shell:git'",
            "deny: 'shell:/usr/bin/curl', because: no", "ask: 'shell:ssh', because: leaves the machine",
            more: "environment: {set: {PATH: '/usr/bin:/opt/bin'}}\n")
        let confinement = try policy.confinement(workspace: nil, workspaceWritable: false)
        #expect(paths(confinement) == ["/opt/bin/git read,execute", "/opt/tool read,execute", "/usr read,execute"])
        #expect(confinement.grants.map(\.optional) == [true, false, false])
        #expect(denied(confinement) == ["/usr/bin/curl read,write,delete,execute", "/usr/bin/ssh read,write,delete,execute"])
        let nothing = try Fixtures.rules("allow: 'filesystem:host:/usr', rights: [read, execute]", "deny: 'shell:*', because: no")
        #expect(paths(try nothing.confinement(workspace: nil, workspaceWritable: false)) == ["/usr read"])
    }

    @Test func network() throws {
        let policy = try Fixtures.rules(
            "allow: 'network:tcp:example.org:443'", "allow: 'network:tcp:[::1]:*'", "allow: 'network:listen:8080'",
            "allow: 'network:loopback'",
            "allow: 'network:tcp:bad.org:1'", "deny: 'network:tcp:bad.org:*', because: bad", "allow: 'process:spawn'",
            "allow: 'device:/dev/kvm', rights: [read, write]")
        let confinement = try policy.confinement(workspace: nil, workspaceWritable: false)
        #expect(confinement.network.connect.map(\.host) == ["example.org", "::1"])
        #expect(confinement.network.connect.map(\.port) == [443, nil])
        #expect(confinement.network.listen.map(\.port) == [8080])
        #expect(confinement.network.loopback?.location == "policy.yaml:7")
        #expect(confinement.maySpawn)
        #expect(confinement.devices.map(\.path) == ["/dev/kvm"])
        let hole = try Fixtures.rules("allow: 'network:tcp:h.org:*'", "deny: 'network:tcp:h.org:22', because: b")
        let error = #expect(throws: PolicyError.self) { try hole.confinement(workspace: nil, workspaceWritable: false) }
        #expect(error?.line == 5)
    }

    /// Where no rule grants a workspace, its denials still hold for the directory that it would be.
    @Test func denialsOfAWorkspaceThatAHostRuleGrants() throws {
        let policy = try Fixtures.load("guarded.yaml").adding(PolicyOverrides(allow: ["filesystem:host:/srv/p=read,write"]))
        let confinement = try policy.confinement(workspace: nil, workspaceWritable: true, denialsAt: "/srv/p")
        #expect(confinement.workspace == nil)
        #expect(!confinement.grants.contains { $0.isWorkspace })
        #expect(paths(confinement).contains("/srv/p read,write"))
        #expect(denied(confinement).contains("/srv/p/.env read,write"))
        #expect(denied(confinement).contains("/srv/p/.git/hooks write"))
        let below = try policy.confinement(workspace: nil, workspaceWritable: true, denialsAt: "/srv/p/sub")
        #expect(denied(below).contains("/srv/p/sub/.env read,write"))
        // Not below a grant as it is written; a link may lead there all the same.
        let elsewhere = try policy.confinement(workspace: nil, workspaceWritable: true, denialsAt: "/srv/q")
        #expect(elsewhere.denials == [])
        #expect(elsewhere.standingDenials.contains { $0.path == "/srv/q/.env" && $0.rights.contains(.read) })
        // An allow of the workspace counts only where there is a workspace.
        let open = try Fixtures.rules("allow: 'filesystem:workspace:*', rights: [read]", "deny: 'filesystem:workspace:.env', because: x")
        #expect(try open.confinement(workspace: nil, workspaceWritable: true, denialsAt: "/srv/q").grants == [])
    }

    /// `deny filesystem:workspace:*` over the whole system would leave nothing to run.
    @Test(arguments: ["/", "/usr", "/usr/lib", "/etc"]) func systemDirectoriesAreNoWorkspaceToDeny(place: String) throws {
        let policy = try Fixtures.load("compute.yaml")
        let plain = try policy.confinement(workspace: nil, workspaceWritable: true)
        #expect(try policy.confinement(workspace: nil, workspaceWritable: true, denialsAt: place) == plain)
    }

    @Test func aDeniedProgramIsDeniedUnderEveryPath() throws {
        let policy = try Fixtures.rules(
            "allow: 'filesystem:host:/usr', rights: [read, execute]", "allow: 'filesystem:host:/opt/tools', rights: [read, execute]",
            "deny: 'shell:curl', because: no", "ask: 'shell:ssh', because: leaves", "allow: 'shell:/opt/tools/ssh'",
            more: "environment: {pass: [PATH]}\n")
        let programs = try policy.confinement(workspace: nil, workspaceWritable: false).deniedPrograms
        #expect(programs.map(\.name) == ["curl", "ssh"])
        #expect(programs.map(\.path) == [nil, nil])
        #expect(programs[1].except == ["/opt/tools/ssh"])
        #expect(programs[0].rule.because == "no")
        let exact = try Fixtures.rules("deny: 'shell:/usr/bin/perl', because: no")
        #expect(try exact.confinement(workspace: nil, workspaceWritable: false).deniedPrograms.map(\.path) == ["/usr/bin/perl"])
    }

    /// The caller's own words for one run cannot bring back what a deny takes away.
    @Test func deniedVariables() throws {
        let policy = try Fixtures.rules(
            "deny: 'environment:HOME', because: h", "ask: 'environment:TZ', because: t",
            more: "environment: {set: {HOME: /x, TZ: UTC, A: b}}\n")
        let rules = try policy.confinement(workspace: nil, workspaceWritable: false).environment
        #expect(rules.set == ["A": "b"])
        #expect(rules.denial(of: "HOME")?.because == "h")
        #expect(rules.denial(of: "TZ") == nil && rules.denial(of: "A") == nil)
        let all = try Fixtures.rules("deny: 'environment:*', because: all")
        #expect(all.environment.denial(of: "ANY")?.because == "all")
    }

    @Test func networkDenialsReachTheLauncher() throws {
        let policy = try Fixtures.rules(
            "allow: 'network:tcp:example.org:443'", "deny: 'network:tcp:93.184.216.34:*', because: no",
            "deny: 'network:tcp:evil.org:25', because: no")
        let network = try policy.confinement(workspace: nil, workspaceWritable: false).network
        #expect(network.denied.map(\.host) == ["93.184.216.34", "evil.org"])
        #expect(network.denied.map(\.port) == [nil, 25])
    }

    @Test func explanationNamesEveryRule() throws {
        let policy = try Fixtures.load("workspace.yaml")
        let steps = try policy.derivation(workspace: "/w", workspaceWritable: true)
        let style = ExplainStyle(width: 140, mechanisms: true, workspace: "/w")
        let text = ExplainText.render(policy, steps: steps, style: style)
        for part in [
            "Files it can reach", "rwd-  /w: the workspace, except what is refused by name [workspace.yaml:8]",
            "history and hooks belong to the person, not to a tool [workspace.yaml:10]", ".env, .env.local",
            "nothing: it reaches no network", "512MiB: memory, of all processes together",
            "mount read-only; Landlock READ_FILE READ_DIR EXECUTE", policy.hash,
        ] {
            #expect(text.contains(part), "\(part) is missing in \(text)")
        }
        #expect(!steps.contains { $0.location.isEmpty })
        let more = try policy.adding(
            PolicyOverrides(allow: ["network:tcp:example.org:443"], deny: ["shell:curl", "network:tcp:10.0.0.1:*"]))
        let denials = ExplainText.render(more, steps: try more.derivation(workspace: "/w", workspaceWritable: true), style: style)
        #expect(denials.contains("every program named curl cannot be run"))
        #expect(denials.contains("not 10.0.0.1, every port"))
        #expect(ExplainText.value(policy, steps: steps)["schema"] == .string("glovebox.explain/1"))
    }

    @Test func lintFindings() throws {
        let policy = try Fixtures.rules(
            "allow: 'filesystem:host:/', rights: [read, write]", "allow: 'filesystem:host:/usr', rights: [read]",
            "deny: 'filesystem:workspace:*'", "deny: 'filesystem:workspace:a', because: x",
            more: "waive: [landlock]\nenvironment: {pass: [MY_API_KEY]}\n")
        let findings = policy.lint()
        func places(_ kind: LintFinding.Kind) -> [String] { findings.filter { $0.kind == kind }.map(\.location) }
        #expect(places(.broadWrite) == ["policy.yaml:4"])
        #expect(places(.secretPath) == ["policy.yaml:4"])
        #expect(places(.shadowed) == ["policy.yaml:5"])
        #expect(places(.unusedDeny) == ["policy.yaml:7"])
        #expect(places(.missingReason) == ["policy.yaml:6"])
        #expect(places(.waived) == ["policy.yaml:8"])
        #expect(places(.secretVariable) == ["policy.yaml:9"])
        #expect(places(.missingExamples).count == 1)
    }
}
