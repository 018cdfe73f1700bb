import Glibc
import SandboxPolicy
import Testing

@testable import SandboxLauncher

@Suite("Plans")
struct SandboxPlanTests {
    private let rule = RuleReference(policy: "test", file: "test.yaml", line: 1, text: "allow")

    private func confinement(_ grants: [(String, FileRights)], readsProcesses: Bool = false) -> Confinement {
        Confinement(
            workspace: nil,
            grants: grants.map { PathGrant(path: $0.0, rights: $0.1, subtree: true, isWorkspace: false, optional: false, rule: rule) },
            denials: [], devices: [], network: NetworkConfinement(), maySpawn: true, readsProcesses: readsProcesses ? rule : nil,
            syscalls: SyscallRules(), limits: .standard, environment: EnvironmentRules(), waived: [])
    }

    private func plan(_ confinement: Confinement, landlockABI: Int32 = 7) throws -> SandboxPlan {
        var planner = SandboxPlanner(confinement: confinement, innerID: 1000, isRoot: false, landlockABI: landlockABI, terminal: false)
        return try planner.plan()
    }

    private func binds(_ plan: SandboxPlan) -> [String] {
        plan.mounts.compactMap { entry in
            if case .bind = entry.kind, !entry.device { entry.target } else { nil }
        }
    }

    @Test func `a grant inside another with the same flags needs no mount of its own`() throws {
        #expect(try binds(plan(confinement([("/usr", [.read, .execute]), ("/usr/share", [.read, .execute])]))) == ["/usr"])
        #expect(try binds(plan(confinement([("/usr", [.read, .execute]), ("/usr/share", [.read])]))) == ["/usr", "/usr/share"])
    }

    @Test func `a rule that gives nothing beyond one above it is left out`() throws {
        let plan = try plan(confinement([("/usr", [.read, .execute]), ("/usr/share", [.read])]))
        #expect(plan.pathRules.contains { $0.path == "/usr" })
        #expect(!plan.pathRules.contains { $0.path == "/usr/share" })
    }

    /// Landlock goes from a file up to a rule at every open: /tmp's would be two directories and a mount further.
    @Test func `the workspace's own rule stays, also below the sandbox's /tmp`() throws {
        var template = Array("/tmp/glovebox-plan-XXXXXX".utf8CString)
        let workspace = String(cString: try #require(mkdtemp(&template)))
        defer { rmdir(workspace) }
        var confinement = confinement([(workspace, [.read, .write, .delete])])
        #expect(try !plan(confinement).pathRules.contains { $0.path == workspace })
        confinement.workspace = workspace
        #expect(try plan(confinement).pathRules.contains { $0.path == workspace })
    }

    @Test(arguments: ["/proc", "/proc/sys", "/sys", "/dev", "/dev/sda", "/"])
    func `the sandbox's own trees cannot be granted as files`(_ path: String) {
        #expect(throws: LaunchError.self) { try plan(confinement([(path, .read)])) }
    }

    @Test func `everything created stands before the first bind of its part`() throws {
        let plan = try plan(confinement([("/usr", [.read, .execute]), ("/etc", .read)], readsProcesses: true))
        for part in [plan.mounts[..<plan.templateCount], plan.mounts[plan.templateCount...]] {
            var bound = false
            for entry in part {
                switch entry.kind {
                case .bind: bound = true
                case .directory, .file, .symlink, .tmpfs: #expect(!bound, "\(entry.target)")
                default: break
                }
            }
        }
    }

    @Test func `without Landlock, or with all of proc to read, what tells of the host is covered`() throws {
        func masks(_ plan: SandboxPlan) -> Int { plan.mounts.count { $0.kind == .mask && $0.target.hasPrefix("/proc/") } }
        #expect(try masks(plan(confinement([("/usr", .read)]))) == RootSkeleton.maskedProcDirectories.count)
        #expect(try masks(plan(confinement([("/usr", .read)], readsProcesses: true))) > RootSkeleton.maskedProc.count)
        #expect(try masks(plan(confinement([("/usr", .read)]), landlockABI: 0)) > RootSkeleton.maskedProc.count)
    }

    @Test func `older kernels handle less, newer ones no more than is known`() {
        let network = NetworkConfinement()
        #expect(LandlockPlan.access(hostABI: 0, network: network).handledFiles == 0)
        #expect(LandlockPlan.access(hostABI: 1, network: network).handledFiles == (1 << 13) - 1)
        #expect(LandlockPlan.access(hostABI: 3, network: network).handledNetwork == 0)
        #expect(LandlockPlan.access(hostABI: 5, network: network).scoped == 0)
        let newest = LandlockPlan.access(hostABI: 99, network: network)
        #expect(newest.abi == LandlockPlan.highestCodedABI)
        #expect(newest.handledFiles & LandlockPlan.resolveUnix != 0)
    }
}
