internal import LinuxPrimitives
internal import SandboxPolicy
internal import Synchronization

/// Plans by what they were made for: resolving every granted path costs more than a launch from a template.
final class PlanStore: Sendable {
    private struct Key: Equatable {
        var policyHash: String
        /// As bytes: as strings, canonically equivalent paths would be one workspace.
        var workspace: [UInt8]?
        var workspaceWritable: Bool
        var terminal: Bool
        /// Lines of the sandbox's /etc/hosts: names lead to what they led to when the run began.
        var hosts: String
        var workspaceIdentity: RunRequest.WorkspaceIdentity?
        /// They depend on the current directory where there is no workspace.
        var denials: [PathDenial]
    }

    private let plans = Mutex<[(key: Key, plan: SandboxPlan)]>([])
    private static let limit = 64

    /// A known plan may not be current any more (`SandboxPlan.isCurrent`).
    ///
    /// - Parameter anew: what is known is not good enough.
    func plan(for request: RunRequest, hosts: String, innerID: UInt32, anew: Bool) throws(LaunchError) -> SandboxPlan {
        let confinement = request.confinement
        let key = Key(
            policyHash: request.policyHash, workspace: confinement.workspace.map { Array($0.utf8) },
            workspaceWritable: confinement.grants.contains { $0.isWorkspace && $0.rights.contains(.write) },
            terminal: request.isOnTerminal, hosts: hosts, workspaceIdentity: request.workspaceIdentity,
            denials: confinement.workspace == nil ? confinement.denials + confinement.standingDenials : [])
        if !anew, let known = plans.withLock({ $0.first { $0.key == key }?.plan }) { return known }
        var planner = SandboxPlanner(
            confinement: confinement, innerID: innerID, isRoot: KernelFacts.isRoot, landlockABI: Int32(KernelFacts.landlockABI),
            terminal: request.isOnTerminal, hosts: hosts, workspaceIdentity: request.workspaceIdentity)
        let plan = try planner.plan()
        plans.withLock { plans in
            plans.removeAll { $0.key == key }
            if plans.count >= Self.limit { plans.removeAll() }
            plans.append((key, plan))
        }
        return plan
    }

    func removeAll() { plans.withLock { $0.removeAll() } }
}
