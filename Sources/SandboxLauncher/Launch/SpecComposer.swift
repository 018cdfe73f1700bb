internal import Glibc
internal import LinuxPrimitives
internal import SandboxPolicy

/// Puts one launch spec together: the plan's mounts and rules, the filter, the limits, and what is this call's own. What is one
/// sandbox's own (its ids on the host, the exec page) it gets later: `LaunchSpec.personalize`.
struct SpecComposer {
    let request: RunRequest
    let plan: SandboxPlan
    let denials: NameDenials
    let isRoot: Bool
    let innerID: UInt32
    let countsMemory: Bool
    let terminal: Bool
    /// Host path of the run's own pty, when it has one.
    let terminalPath: String?
    let filters: FilterStore
    let usesTemplates: Bool
    /// The launcher serves more than one launch.
    let sharesNetwork: Bool

    func compose() throws(LaunchError) -> LaunchSpec {
        var spec = try sandbox()
        addWords(to: &spec)
        return spec
    }

    /// What is this call's own.
    func addWords(to spec: inout LaunchSpec) {
        let confinement = request.confinement
        spec.arguments = request.arguments
        let environment = ToolEnvironment.build(
            confinement.environment, setByCaller: request.environment, callers: request.callersVariables,
            hasChannel: request.channel != nil)
        spec.environment = environment.assignments.sorted()
        spec.searchPath = environment["PATH"] ?? EnvironmentRules.defaultPath
        spec.workingDirectory = request.workingDirectory ?? confinement.workspace ?? "/tmp"
    }

    /// What is the same for every call with these decisions.
    func sandbox() throws(LaunchError) -> LaunchSpec {
        let confinement = request.confinement
        var spec = LaunchSpec()
        spec.mounts = denials.covers.isEmpty ? plan.mounts : plan.mounts + denials.covers
        if let terminalPath { spec.mounts.insert(try console(terminalPath), at: plan.mounts.count) }
        spec.pathRules = plan.pathRules
        spec.landlock = plan.landlock
        spec.innerID = innerID
        spec.resourceLimits = LimitPlan.resourceLimits(confinement.limits, countsMemory: countsMemory)
        spec.templateCount = UInt32(plan.templateCount)
        if isRoot {
            spec.flags.insert(.mappedByLauncher)
            spec.templateKey = usesTemplates ? plan.key : 0
        }
        if terminal { spec.flags.insert(.terminal) }
        if confinement.network.loopback != nil { spec.flags.insert(.loopback) }
        try addLandlock(&spec)
        try addFilter(&spec)
        try addNamespaces(&spec)
        if mayShareNetwork(spec) { spec.flags.insert(.sharedNetwork) }
        return spec
    }

    private func console(_ path: String) throws(LaunchError) -> MountEntry {
        do {
            let identity = try FileIdentity.of(path: path, followingLink: false)
            let source = BindSource(path: path, device: identity.device, inode: identity.inode, owner: nil)
            return MountEntry(kind: .bind(source), target: "/dev/console", noExec: true, device: true)
        } catch {
            throw LaunchError(.path, "the run's terminal \(path) cannot be reached: \(error)", mend: "mount devpts on /dev/pts")
        }
    }

    private func addLandlock(_ spec: inout LaunchSpec) throws(LaunchError) {
        if spec.landlock.abi >= 1 {
            spec.flags.insert(.landlock)
        } else {
            try require(.landlock, "this kernel has no Landlock", "boot with `landlock` in the `lsm=` list, or use Linux 5.13 or newer")
            spec.pathRules = []
        }
    }

    private func addFilter(_ spec: inout LaunchSpec) throws(LaunchError) {
        let facts = KernelFacts.seccomp
        guard facts.killProcess else {
            return try require(.seccomp, "this kernel has no seccomp filters", "use a kernel with CONFIG_SECCOMP_FILTER")
        }
        if !facts.userNotification {
            try require(.notifications, "this kernel cannot notify of refused calls", "use Linux 5.14 or newer")
        }
        let memfdNoExec = isRoot && KernelFacts.memfdNoexec != nil
        if memfdNoExec { spec.flags.insert(.memfdNoExec) }
        let demands = FilterDemands(
            mediateCreation: plan.mediated, mediateMemfd: !memfdNoExec,
            mediateNetwork: request.confinement.network.isBrokered,
            mediateLocalSockets: plan.mediatesLocalSockets && facts.userNotification, canNotify: facts.userNotification,
            watchOpening: request.watchesOpening && facts.userNotification)
        guard facts.userNotification || denials.real.isEmpty else {
            throw LaunchError(
                .protectionMissing, "denied names need seccomp notifications, which this kernel does not have",
                mend: "use Linux 5.14 or newer, or a policy without denied names")
        }
        guard facts.userNotification || !request.confinement.network.isBrokered else {
            throw LaunchError(
                .protectionMissing, "network grants need seccomp notifications, which this kernel does not have",
                mend: "use Linux 5.14 or newer, or a policy without network grants")
        }
        let program = try filters.program(for: request, demands: demands)
        spec.flags.insert(.seccomp)
        if facts.userNotification { spec.flags.insert(.notify) }
        spec.filter = program.bytes
        spec.execPointer = program.execPointer
    }

    /// A network namespace in which nothing is up may be shared with other sandboxes when the two things that it shows of them are out
    /// of reach: abstract sockets (Landlock scopes them, and the supervisor, who makes every name, makes none of those) and /proc/net
    /// (Landlock gives single files of /proc alone). A policy that widens the system calls keeps a namespace of its own.
    private func mayShareNetwork(_ spec: LaunchSpec) -> Bool {
        let confinement = request.confinement
        return sharesNetwork && isRoot && !confinement.network.isBrokered && confinement.network.loopback == nil
            && spec.flags.isSuperset(of: [.landlock, .seccomp, .notify])
            && spec.landlock.scoped & LandlockPlan.scopeAbstractUnix != 0
            && plan.mediatesLocalSockets && confinement.readsProcesses == nil && confinement.syscalls.allow.isEmpty
    }

    private func addNamespaces(_ spec: inout LaunchSpec) throws(LaunchError) {
        if KernelFacts.hasTimeNamespaces {
            spec.flags.insert(.timeNamespace)
        } else {
            try require(.timeNamespace, "this kernel has no time namespaces", "use Linux 5.6 or newer")
        }
        if KernelFacts.hasCgroupNamespaces {
            spec.flags.insert(.cgroupNamespace)
        } else {
            try require(.cgroupNamespace, "this kernel has no cgroup namespaces", "use a kernel with CONFIG_CGROUPS")
        }
    }

    private func require(_ protection: Protection, _ problem: String, _ mend: String) throws(LaunchError) {
        guard !request.confinement.waived.contains(protection) else { return }
        throw LaunchError(.protectionMissing, problem, mend: "\(mend), or waive it in the policy: waive: [\(protection.rawValue)]")
    }
}
