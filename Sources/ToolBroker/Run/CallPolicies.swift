internal import CapabilityBroker
internal import CapabilityLanguage
internal import SandboxPolicy
internal import Synchronization

/// A policy that calls run under, with what is asked of it at each call.
struct CallPolicy: Sendable {
    let resolved: ResolvedPolicy
    let hash: String
    /// What it gives every run of a program, whoever asked: the system's programs and libraries, variables, devices, processes of
    /// its own. Files of the workspace, the network, secrets and programs by name come from capabilities alone.
    let runtimeGrants: [CapabilityGrant]

    init(_ resolved: ResolvedPolicy) {
        self.resolved = resolved
        hash = resolved.hash
        runtimeGrants = resolved.standingGrants.filter { grant in
            switch grant.resource.kind {
            case .filesystem: grant.resource.parts.first?.text == "host"
            case .environment, .device, .syscall, .process: true
            default: false
            }
        }
    }
}

/// What was derived from policies for earlier calls. Deriving it anew is most of what a call costs before it is launched, and calls of
/// one tool with the same grants all come to the same. Everything that a result depends on is compared whole, never by a hash or a name
/// alone; losing an entry costs time and nothing else.
final class CallPolicies: Sendable {
    /// What a policy is narrowed to, beside the policy. Paths are compared by their bytes, as the kernel compares them.
    struct Narrowing: Hashable {
        var grants: [CapabilityGrant]
        var limits: [LimitName: UInt64]
        /// Programs and modules that the tool consists of: readable and executable.
        var programs: [ResourcePart]
        /// Nil for calls that see no workspace.
        var workspace: ResourcePart?
        /// The tool reads its arguments from descriptor 3, with the descriptors that come with them.
        var usesChannel = false
    }

    struct Confined: Sendable {
        var policyName: String
        var policyHash: String
        var confinement: Confinement
    }

    private struct State {
        var policies: [String: CallPolicy] = [:]
        var confined: [Narrowing: [(policy: ResolvedPolicy, result: Confined)]] = [:]
        var count = 0
    }

    private static let most = 128
    private let state = Mutex(State())

    /// The policy of a name, which the caller has just looked up: what is known of it, unless it is another one by now.
    func policy(_ resolved: ResolvedPolicy, named name: String) -> CallPolicy {
        if let known = state.withLock({ $0.policies[name] }), known.resolved == resolved { return known }
        let policy = CallPolicy(resolved)
        state.withLock { $0.policies[name] = policy }
        return policy
    }

    func confined(_ policy: ResolvedPolicy, to narrowing: Narrowing) throws(PolicyError) -> Confined {
        let known = state.withLock { state in state.confined[narrowing]?.first { $0.policy == policy }?.result }
        if let known { return known }
        var narrowed = policy.narrowed(to: narrowing.grants, limits: narrowing.limits)
        var more = narrowing.programs.map { "filesystem:host:\($0.text)=read,execute" }
        // A policy without sockets of its own still has this one, made by the supervisor.
        if narrowing.usesChannel, (try? SyscallCatalogue.allowedCalls(narrowed.syscalls))?.contains("recvmsg") == false {
            more.append("syscall:recvmsg=execute")
        }
        narrowed = try narrowed.adding(PolicyOverrides(allow: more))
        let result = Confined(
            policyName: narrowed.name, policyHash: narrowed.hash,
            confinement: try narrowed.confinement(workspace: narrowing.workspace?.text, workspaceWritable: true))
        state.withLock { state in
            if state.count >= Self.most { (state.confined, state.count) = ([:], 0) }
            state.confined[narrowing, default: []].append((policy, result))
            state.count += 1
        }
        return result
    }
}
