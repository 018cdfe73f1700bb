import SandboxPolicy
import Testing

@testable import SandboxLauncher

struct OpeningWatchTests {
    @Test(
        "names are made absolute as their letters say",
        arguments: [
            ("/a/b", "/a/b"), ("a", "/work/a"), ("../etc/./shadow", "/etc/shadow"), ("//root//.ssh/", "/root/.ssh"), ("/../..", "/"),
            ("", "/work"), ("/a/.b/..c/d", "/a/.b/..c/d"), ("/a/.", "/a"), ("/a/..", "/"), ("/", "/"), ("/a/", "/a"), ("//", "/"),
        ])
    func absolute(_ path: String, _ expected: String) {
        #expect(OpeningWatch.absolute(Array(path.utf8)) { Array("/work".utf8) } == Array(expected.utf8))
    }

    private static func watch() throws -> OpeningWatch {
        let rule = RuleReference(policy: "test", file: "test.yaml", line: 1, text: "allow")
        let confinement = Confinement(
            workspace: nil,
            grants: [PathGrant(path: "/usr", rights: [.read], subtree: true, isWorkspace: false, optional: false, rule: rule)],
            denials: [], devices: [], network: NetworkConfinement(), maySpawn: true, readsProcesses: nil, syscalls: SyscallRules(),
            limits: .standard, environment: EnvironmentRules(), waived: [])
        var planner = SandboxPlanner(confinement: confinement, innerID: 1000, isRoot: false, landlockABI: 7, terminal: false)
        let plan = try planner.plan()
        let denials = try NameDenials(
            [
                PathDenial(path: "/nowhere/tree", subtree: true, rights: [.read], rule: rule),
                PathDenial(path: "/nowhere/one", subtree: false, rights: [.read], rule: rule),
                PathDenial(path: "/nowhere/fixed", subtree: true, rights: [.write], rule: rule),
            ], within: plan.grants)
        return OpeningWatch(plan: plan, denials: denials, home: "/people/me")
    }

    @Test(
        "what is told of",
        arguments: [
            ("/nowhere/tree", "name-denial"), ("/NOWHERE/Tree/x", "name-denial"), ("/nowhere/trees", nil), ("/nowhere/one", "name-denial"),
            ("/nowhere/one/x", nil), ("/nowhere/fixed", nil), ("/root/x", "mount-namespace"), ("/rooted", nil),
            ("/people/me/x", "mount-namespace"), ("/people/you", nil), ("/srv/.ssh", "mount-namespace"),
            ("/srv/.sshd/.ssh/k", "mount-namespace"),
            ("/srv/.sshd", nil), ("/srv/x.ssh", nil), ("/etc/shadow", "mount-namespace"), ("/etc/shadows", nil), ("/usr/lib/.ssh", nil),
            ("/zz" + String(repeating: "/a", count: 2000), nil),
            ("/zz" + String(repeating: "/a", count: 2000) + "/id_rsa", "mount-namespace"),
            ("/", nil),
        ] as [(String, String?)])
    func findings(_ path: String, _ layer: String?) throws { #expect(try Self.watch().finding(Array(path.utf8))?.layer == layer) }

    @Test("only plain openings are looked at") func places() {
        #expect(OpeningWatch.place(2, [7, 0, 0, 0, 0, 0])?.path == 7)
        #expect(OpeningWatch.place(257, [3, 8, 0o2000000, 0, 0, 0])?.path == 8)
        #expect(OpeningWatch.place(257, [3, 8, 0x40, 0, 0, 0]) == nil)
        #expect(OpeningWatch.place(257, [3, 8, 0x20_0000, 0, 0, 0]) == nil)
        #expect(OpeningWatch.place(2, [7, 0x41_0000, 0, 0, 0, 0]) == nil)
        #expect(OpeningWatch.place(0, [7, 0, 0, 0, 0, 0]) == nil)
    }
}
