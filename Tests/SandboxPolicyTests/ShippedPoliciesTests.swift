import CapabilityLanguage
import Testing

@testable import SandboxPolicy

@Suite struct ShippedPoliciesTests {
    static let names = (try? Fixtures.names(in: Fixtures.policies, ending: ".yaml")) ?? []

    @Test func theNamesThatUsersKnow() {
        let names = [
            "build", "compute", "guarded", "mcp-fetch", "mcp-filesystem", "mcp-git", "mcp-time", "python", "read-only", "runtime", "shell",
            "workspace",
        ]
        #expect(Self.names == names.map { $0 + ".yaml" })
    }

    @Test(arguments: names) func loadsAndKeepsItsPromises(name: String) throws {
        let policy = try Fixtures.load(name)
        #expect(policy.failedExamples().map(\.description) == [])
        #expect(Set(policy.examples.map(\.effect)).subtracting([.ask]) == [.allow, .deny])
        #expect(policy.lint().map(\.description) == [])
        #expect(policy.name + ".yaml" == name)
        #expect(policy.waived == [])
        #expect(!policy.rules.contains { $0.effect != .allow && $0.reference.because == nil })
        let confinement = try policy.confinement(workspace: "/srv/project", workspaceWritable: true)
        #expect(confinement.network.connect.isEmpty && confinement.network.listen.isEmpty)
        #expect(!confinement.grants.contains { !$0.isWorkspace && !$0.rights.isDisjoint(with: [.write, .delete]) })
    }

    @Test func runtimeHasTheStandardLimits() throws {
        #expect(try Fixtures.load("runtime.yaml").limits == .standard)
    }

    @Test(arguments: ["workspace.yaml", "python.yaml", "read-only.yaml"]) func nothingInTheWorkspaceRuns(name: String) throws {
        let confinement = try Fixtures.load(name).confinement(workspace: "/w", workspaceWritable: true)
        #expect(!confinement.grants.contains { $0.isWorkspace && $0.rights.contains(.execute) })
    }

    @Test(arguments: ["workspace.yaml", "python.yaml", "shell.yaml", "build.yaml"]) func protectedNamesStay(name: String) throws {
        let confinement = try Fixtures.load(name).confinement(workspace: "/w", workspaceWritable: true)
        for name in [".git/hooks", ".git/config", ".git/commondir", ".agent", ".claude", ".mcp.json", ".vscode", ".bashrc"] {
            let path = "/w/" + name
            let covering = confinement.denials.filter { path == $0.path || path.hasPrefix($0.path + "/") }
            #expect(covering.contains { $0.rights.isSuperset(of: [.write, .delete]) }, "\(path)")
        }
        #expect(confinement.denials.contains { $0.path == "/w/.env" && $0.rights.isSuperset(of: [.read, .write, .delete]) })
    }

    @Test func computeIsOneProcessWithoutFiles() throws {
        let confinement = try Fixtures.load("compute.yaml").confinement(workspace: "/w", workspaceWritable: true)
        #expect(confinement.workspace == nil)
        #expect(!confinement.maySpawn)
        #expect(confinement.syscalls.base == "compute")
        #expect(confinement.limits.createdFiles == 64)
        #expect(try Fixtures.load("compute.yaml").isSubset(of: try Fixtures.load("runtime.yaml")))
    }

    @Test func userPoliciesOnlyNarrow() throws {
        let parents = try ["workspace", "guarded", "runtime"].reduce(into: [String: String]()) {
            $0[$1] = String(decoding: try Fixtures.bytes("\(Fixtures.policies)/\($1).yaml"), as: UTF8.self)
        }
        _ = try Fixtures.policy("version: 1\nname: mine\nextends: workspace\nlimits: {wall: 10s}\n", parents: parents)
        #expect(throws: PolicyError.self) {
            try Fixtures.policy(
                "version: 1\nname: mine\nextends: workspace\ncapabilities: [{allow: 'network:loopback'}]\n", parents: parents)
        }
    }
}
