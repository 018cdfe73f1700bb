internal import LinuxPrimitives
internal import SandboxLauncher

/// What the kernel and the host's settings give.
enum KernelFindings {
    /// The highest Landlock ABI that Glovebox has rules for (Linux 7.1).
    static let codedLandlockABI = 9

    static func all() -> [HostFinding] {
        [kernel(), landlock(KernelFacts.landlockABI)] + seccomp(KernelFacts.seccomp)
            + [
                userNamespaces(KernelFacts.userNamespaces, asRoot: KernelFacts.isRoot), timeNamespaces(), cgroupNamespaces(),
                controlGroups(),
                memfd(KernelFacts.memfdNoexec, asRoot: KernelFacts.isRoot), terminalInjection(), tracing(KernelFacts.ptraceScope),
            ]
    }

    private static func kernel() -> HostFinding {
        let text = "Linux \(KernelFacts.release) \(KernelFacts.machine), as \(KernelFacts.isRoot ? "root" : "an ordinary user")"
        guard KernelFacts.machine == "x86_64" else {
            return HostFinding(
                "kernel", .broken, text, cost: "system call filters are written for x86-64 only", mend: "use an x86-64 machine")
        }
        return HostFinding("kernel", .ok, text)
    }

    static func landlock(_ abi: Int) -> HostFinding {
        let fact = "ABI \(abi) of \(codedLandlockABI) known to Glovebox"
        switch abi {
        case ..<1:
            return HostFinding(
                "landlock", .missing, "this kernel has no Landlock, or it is off at boot",
                cost: "policies must waive `landlock`; then mounts alone decide which files are reached",
                mend: "Linux 5.13 or newer with `landlock` in the `lsm=` list of the boot line")
        case 1...3:
            return HostFinding(
                "landlock", .partial, fact,
                cost: "no rules for TCP and device ioctls, no scopes; the network namespace and the filter hold those",
                mend: "Linux 6.12 or newer")
        case 4...5:
            return HostFinding(
                "landlock", .partial, fact, cost: "no scopes for signals and abstract sockets; the namespaces hold those",
                mend: "Linux 6.12 or newer")
        default: return HostFinding("landlock", .ok, fact)
        }
    }

    static func seccomp(_ facts: SeccompFacts) -> [HostFinding] {
        var findings: [HostFinding] = []
        findings.append(
            facts.killProcess
                ? HostFinding("seccomp", .ok, "filters that kill, refuse and allow" + (facts.log ? ", and log" : ""))
                : HostFinding(
                    "seccomp", .missing, "no system call filters",
                    cost: "policies must waive `seccomp`; the whole kernel is within reach of the tool",
                    mend: "a kernel with CONFIG_SECCOMP_FILTER"))
        findings.append(
            facts.userNotification
                ? HostFinding("notifications", .ok, "refused calls are recorded, names are made by the supervisor")
                : HostFinding(
                    "notifications", .missing, "refused calls cannot be notified",
                    cost: "no violation records; policies with denied names in a workspace do not run", mend: "Linux 5.14 or newer"))
        return findings
    }

    static func userNamespaces(_ facts: UserNamespaceFacts, asRoot: Bool) -> HostFinding {
        if let obstacle = facts.obstacle(asRoot: asRoot) {
            let parts = obstacle.split(separator: ";", maxSplits: 1).map(String.init)
            return HostFinding(
                "user-namespaces", .broken, parts[0], cost: "no sandbox can be built",
                mend: parts.count > 1 ? String(parts[1].drop { $0 == " " }) : "use a kernel with CONFIG_USER_NS")
        }
        return HostFinding("user-namespaces", .ok, "up to \(facts.maximum ?? 0)")
    }

    private static func timeNamespaces() -> HostFinding {
        if KernelFacts.hasTimeNamespaces { return HostFinding("time-namespaces", .ok, "own clock offsets") }
        return HostFinding(
            "time-namespaces", .missing, "none", cost: "policies must waive `time-namespace`; a tool sees how long the host is up",
            mend: "Linux 5.6 or newer")
    }

    private static func cgroupNamespaces() -> HostFinding {
        if KernelFacts.hasCgroupNamespaces { return HostFinding("cgroup-namespaces", .ok, "own cgroup root") }
        return HostFinding(
            "cgroup-namespaces", .missing, "none", cost: "policies must waive `cgroup-namespace`; a tool sees the host's group names",
            mend: "a kernel with CONFIG_CGROUPS")
    }

    /// Found out by making a group, as a run would.
    private static func controlGroups() -> HostFinding {
        let cost = "memory and processor time of a tree are polled a few times a second instead of being bounded by the kernel"
        let mend =
            "run Glovebox in a cgroup of its own with memory and pids delegated, for example: "
            + "systemd-run --user --scope -p Delegate=yes glovebox …"
        do {
            let pool = try ControlGroupPool()
            let kind = pool.isUnified ? "v2" : "v1"
            defer { _ = pool.shutDown() }
            do {
                let lease = try pool.lease(memoryBytes: 64 << 20, pids: 8)
                _ = consume lease
                return HostFinding("cgroups", .ok, "\(kind): memory and processes of a whole tree are bounded by the kernel")
            } catch {
                return HostFinding("cgroups", .partial, "\(kind), but no group could be made: \(error)", cost: cost, mend: mend)
            }
        } catch {
            return HostFinding("cgroups", .partial, "not usable: \(error.reason)", cost: cost, mend: mend)
        }
    }

    static func memfd(_ value: UInt64?, asRoot: Bool) -> HostFinding {
        guard let value else {
            return HostFinding(
                "memfd-noexec", .partial, "this kernel has no vm.memfd_noexec",
                cost: "the supervisor answers every memfd_create that may be executed, some microseconds each", mend: "Linux 6.3 or newer")
        }
        if asRoot || value >= 2 {
            return HostFinding("memfd-noexec", .ok, "a sandbox's own setting refuses to execute memory files (the host has \(value))")
        }
        return HostFinding("memfd-noexec", .ok, "host has \(value); the supervisor refuses executable memory files one by one")
    }

    private static func terminalInjection() -> HostFinding {
        if !KernelFacts.allowsTIOCSTI { return HostFinding("tiocsti", .ok, "the kernel refuses typing into a terminal") }
        return HostFinding(
            "tiocsti", .ok,
            "the kernel lets programs type into their terminal; sealed tools are refused it and have a terminal of their own")
    }

    private static func tracing(_ scope: UInt64?) -> HostFinding {
        guard let scope else {
            return HostFinding("yama", .ok, "absent: a user's processes may trace each other; sealed ones see only themselves")
        }
        if scope >= 3 {
            return HostFinding(
                "yama", .partial, "kernel.yama.ptrace_scope is \(scope): nobody may read another process's memory",
                cost: "creating calls below denied names cannot be answered, so such policies do not work",
                mend: "sysctl kernel.yama.ptrace_scope=1")
        }
        return HostFinding("yama", .ok, "kernel.yama.ptrace_scope is \(scope)")
    }
}
