import SandboxPolicy
import Testing

@testable import SandboxLauncher

/// Landlock adds rights up along a path, so what stands above a grant must not give more than the grant.
@Suite struct TreeRuleTests {
    private func plan(_ grants: [(String, FileRights)], devices: [DeviceGrant] = [], terminal: Bool = false) throws -> SandboxPlan {
        let rule = RuleReference(policy: "test", file: "test.yaml", line: 1, text: "allow")
        let confinement = Confinement(
            workspace: nil,
            grants: grants.map { PathGrant(path: $0.0, rights: $0.1, subtree: true, isWorkspace: false, optional: false, rule: rule) },
            denials: [], devices: devices, network: NetworkConfinement(), maySpawn: true, syscalls: SyscallRules(), limits: .standard,
            environment: EnvironmentRules(), waived: [])
        var planner = SandboxPlanner(confinement: confinement, innerID: 1000, isRoot: false, landlockABI: 7, terminal: terminal)
        return try planner.plan()
    }

    /// Everything that holds on a path.
    private func access(_ plan: SandboxPlan, on path: String) -> UInt64 {
        plan.pathRules.reduce(0) { path.isAtOrBelow($1.path) ? $0 | $1.access : $0 }
    }

    private static let writing = LandlockPlan.writeFile | LandlockPlan.truncate
    private static let making =
        LandlockPlan.makeRegular | LandlockPlan.makeDirectory | LandlockPlan.makeSymlink | LandlockPlan.makeFIFO | LandlockPlan.makeSocket
        | LandlockPlan.refer

    @Test func `a device has the rights of its grant`() throws {
        let rule = RuleReference(policy: "test", file: "test.yaml", line: 1, text: "allow")
        let plan = try plan([("/usr", .read)], devices: [DeviceGrant(path: "/dev/tty", rights: .read, rule: rule)])
        #expect(access(plan, on: "/dev/tty") & Self.writing == 0)
        #expect(access(plan, on: "/dev/tty") & LandlockPlan.readFile != 0)
        #expect(access(plan, on: "/dev/other") == LandlockPlan.readDirectory)
        for name in Confinement.ownDevices { #expect(access(plan, on: "/dev/" + name) & Self.writing != 0) }
        #expect(access(try self.plan([("/usr", .read)], terminal: true), on: "/dev/tty") & Self.writing != 0)
    }

    @Test func `the tool itself makes no names where the supervisor does, in its own directories neither`() throws {
        let plan = try plan([("/usr", .read), ("/srv", [.read, .write, .delete])])
        #expect(plan.mediated)
        for place in ["/tmp", "/tmp/workspace", "/dev/shm", "/srv"] {
            #expect(access(plan, on: place) & Self.making == 0, "\(place)")
            #expect(access(plan, on: place) & LandlockPlan.writeFile != 0, "\(place)")
        }
    }
}
