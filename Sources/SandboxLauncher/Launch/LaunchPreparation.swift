internal import CLaunchABI
internal import Glibc
internal import LinuxPrimitives
internal import SandboxPolicy

/// Everything decided about one launch before it is asked for, and what its answers mean.
struct LaunchPreparation: Sendable {
    var spec: LaunchSpec
    var plan: SandboxPlan
    var denials: NameDenials
    var network: NetworkTargets
    /// A cgroup bounds the tree's memory; otherwise the supervisor polls.
    var countsMemory: Bool
    /// The tool's ids on the host when the supervisor is root: the ids with which it acts for the tool.
    var mediationIdentity: (user: UInt32, group: UInt32)?

    // MARK: - Failures

    func outcome(ofFailure message: LaunchMessage, program: String) -> RunOutcome {
        if message.stage == .exec {
            switch message.errno {
            case ENOENT, ENOTDIR: return .notFound(program: program)
            default: return .notExecutable(program: program, errno: message.errno)
            }
        }
        return .setupFailed(stage: message.stage.name, errno: message.errno, message: explanation(of: message))
    }

    private func explanation(of message: LaunchMessage) -> String {
        let symbol = SystemError(errno: message.errno, operation: message.stage.name).symbol
        switch message.stage {
        case .clone where message.errno == EPERM || message.errno == ENOSPC:
            let obstacle = KernelFacts.userNamespaces.obstacle(asRoot: KernelFacts.isRoot) ?? "the kernel refused new namespaces"
            return "no namespaces could be made (\(symbol)): \(obstacle); run `glovebox doctor`"
        case .mounts: return mountExplanation(message, symbol)
        case .credentials where message.detail == 1:
            return "the working directory \(spec.workingDirectory) cannot be entered inside (\(symbol)); grant it or choose another"
        case .landlock where spec.pathRules.indices.contains(Int(message.detail)):
            return "no Landlock rule could be made for \(spec.pathRules[Int(message.detail)].path) (\(symbol))"
        case .limits where spec.resourceLimits.indices.contains(Int(message.detail)):
            return "the limit on \(spec.resourceLimits[Int(message.detail)].name) could not be set (\(symbol))"
        case .request where message.errno == E2BIG:
            return "arguments and environment are longer than a launch takes (\(symbol)); hand long text over in a file or on stdin"
        case .request where message.errno == EINTR || message.errno == ENOMEM || message.errno == EMFILE || message.errno == ENFILE:
            return "the launcher could not take the launch (\(symbol)); try again, and raise the host's limits if it stays so"
        case .request: return "the launcher refused the launch spec (\(symbol)); the two programs are not of the same build"
        case .cgroup: return "the sandbox could not be put into its cgroup (\(symbol))"
        default: return "the step \(message.stage.name) failed (\(symbol)); run `glovebox doctor`"
        }
    }

    private func mountExplanation(_ message: LaunchMessage, _ symbol: String) -> String {
        guard spec.mounts.indices.contains(Int(message.detail)) else {
            return "the sandbox's root could not be built (\(symbol)); run `glovebox doctor`"
        }
        let mount = spec.mounts[Int(message.detail)]
        switch mount.kind {
        case .bind(let source) where message.errno == EINVAL && source.owner != nil:
            return "\(source.path) is on a file system that cannot be id-mapped, so the tool's files could not get their owner; "
                + "use a workspace on ext4, xfs, btrfs or tmpfs, or run glovebox as the workspace's owner"
        case .bind(let source) where message.errno == ESTALE: return "\(source.path) was exchanged while the sandbox was being built"
        case .bind(let source): return "\(source.path) could not be brought into the sandbox (\(symbol))"
        case .proc: return "/proc could not be mounted (\(symbol)): in a container its own /proc must not be masked"
        default: return "\(mount.target) could not be set up in the sandbox (\(symbol))"
        }
    }

    // MARK: - Ends

    func outcome(ofStatus status: Int32, limits: Limits, memoryKills: UInt64, cpuMicroseconds: UInt64) -> RunOutcome {
        let signal = status & 0x7F
        guard signal != 0 else { return .exited(code: status >> 8 & 0xFF) }
        switch signal {
        case SIGKILL where memoryKills > 0: return .memoryExceeded(limit: limits.memoryBytes)
        // A program can send itself any signal: the figure is what tells. For the limit the kernel counts whole ticks, which on a
        // busy machine run well ahead of the figure, so half of it has to do.
        case SIGKILL where cpuMicroseconds / 1000 >= limits.cpuMilliseconds,
            SIGXCPU where (cpuMicroseconds / 1000).clampedTimes(2) >= limits.cpuMilliseconds:
            return .cpuExceeded(limitMilliseconds: limits.cpuMilliseconds)
        case SIGSYS:
            return .violation(
                "the tool died of SIGSYS: by that the kernel ends a process for a system call of a foreign architecture (32-bit or x32), "
                    + "and a program can send it to itself")
        default: return .signaled(signal: signal)
        }
    }
}
