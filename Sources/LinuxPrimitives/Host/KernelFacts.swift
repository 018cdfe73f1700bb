internal import CLinuxShims
internal import Glibc

/// What this kernel and host give. Each fact is found out when it is first asked for, once, and apart from the others: a run
/// asks for two or three, `glovebox doctor` for all.
package enum KernelFacts {
    // MARK: One system call each

    /// For example `6.18.4`.
    package static let release: String = {
        var names = utsname()
        guard uname(&names) == 0 else { return "unknown" }
        return withUnsafeBytes(of: &names.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }()

    /// For example `x86_64`.
    package static let machine: String = {
        var names = utsname()
        guard uname(&names) == 0 else { return "unknown" }
        return withUnsafeBytes(of: &names.machine) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }()

    package static let isRoot: Bool = geteuid() == 0

    /// The Landlock ABI, or 0 when the kernel has none or it is switched off at boot.
    package static let landlockABI: Int = max(0, Int(gbx_landlock_abi()))

    package static let seccomp = SeccompFacts(
        killProcess: gbx_seccomp_action_available(GBX_SECCOMP_KILL_PROCESS) == 1,
        userNotification: gbx_seccomp_action_available(GBX_SECCOMP_USER_NOTIF) == 1,
        log: gbx_seccomp_action_available(GBX_SECCOMP_LOG) == 1)

    /// Bit n is capability n of the calling thread; not kept, because threads differ.
    package static func effectiveCapabilities() -> UInt64 {
        var bits: UInt64 = 0
        return gbx_effective_capabilities(&bits) < 0 ? 0 : bits
    }

    /// Soft and hard limit of a GBX_RLIMIT_* resource; UInt64.max is no limit. Nil when the kernel does not know it.
    package static func limit(_ resource: Int32) -> (soft: UInt64, hard: UInt64)? {
        var soft: UInt64 = 0
        var hard: UInt64 = 0
        return gbx_limit(resource, &soft, &hard) < 0 ? nil : (soft, hard)
    }

    /// Descriptors that this process may have, now and at most.
    package static func openFiles() -> (soft: UInt64, hard: UInt64)? { limit(GBX_RLIMIT_NOFILE) }

    /// Nice value of a process, -20…19. Nil when it has gone.
    package static func niceness(of pid: Int32) -> Int32? {
        let priority = gbx_priority(pid)
        return priority > 0 ? 20 - priority : nil
    }

    // MARK: One file each

    package static let userNamespaces = UserNamespaceFacts(
        maximum: SmallFile.number("/proc/sys/user/max_user_namespaces"),
        unprivilegedClone: SmallFile.number("/proc/sys/kernel/unprivileged_userns_clone"),
        apparmorRestricts: SmallFile.number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns"))

    /// vm.memfd_noexec of our pid namespace, 0…2; nil when the kernel does not have it (before Linux 6.3).
    package static let memfdNoexec: UInt64? = SmallFile.number("/proc/sys/vm/memfd_noexec")

    /// dev.tty.legacy_tiocsti: whether a program may type into its terminal. Kernels without the switch (before Linux 6.2) allow it.
    package static let allowsTIOCSTI: Bool = SmallFile.number("/proc/sys/dev/tty/legacy_tiocsti") != 0

    /// kernel.yama.ptrace_scope, 0…3; nil without Yama.
    package static let ptraceScope: UInt64? = SmallFile.number("/proc/sys/kernel/yama/ptrace_scope")

    /// net.ipv4.ip_unprivileged_port_start: the lowest port that needs no capability, 1024 when the kernel does not tell.
    package static let unprivilegedPortStart: UInt64 = SmallFile.number("/proc/sys/net/ipv4/ip_unprivileged_port_start") ?? 1024

    /// How much of the machine's memory could be had now, 0…1; nil when the kernel does not tell.
    package static func availableMemoryShare() -> Double? {
        func kibibytes(_ name: StaticString) -> Double? {
            let number = try? SmallFile.number(behind: name, in: "/proc/meminfo") // both are among its first lines
            return (number ?? nil).map(Double.init)
        }
        guard let all = kibibytes("MemTotal:"), let available = kibibytes("MemAvailable:"), all > 0 else { return nil }
        return available / all
    }

    package static let hasTimeNamespaces: Bool = access("/proc/self/ns/time", F_OK) == 0

    package static let hasCgroupNamespaces: Bool = access("/proc/self/ns/cgroup", F_OK) == 0

    /// Whether the usual place of the cgroups is a v2 hierarchy. Where it is not, v2 may still be mounted somewhere else.
    package static let hasUnifiedControlGroups: Bool = {
        let number = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard number >= 0 else { return false }
        let directory = OwnedDescriptor(adopting: number)
        return gbx_filesystem_magic(directory.rawValue) == 0x6367_7270 // CGROUP2_SUPER_MAGIC
    }()

    // MARK: Two files, one of them long

    /// Where this process stands in the cgroups. What it may do there, only `ControlGroupPool` finds out, by doing it.
    package static let controlGroups: ControlGroupPlacement = {
        do throws(SystemError) {
            return ControlGroupPlacement.parse(
                cgroup: try SmallFile.read("/proc/self/cgroup"), mountinfo: try SmallFile.read("/proc/self/mountinfo"))
        } catch {
            return .unavailable(reason: error.description)
        }
    }()
}

/// Which answers of a filter the kernel knows.
package struct SeccompFacts: Sendable, Equatable {
    package let killProcess: Bool
    package let userNotification: Bool
    package let log: Bool
}

/// The switches that hosts have against user namespaces. Nil: the host does not have the switch.
package struct UserNamespaceFacts: Sendable, Equatable {
    /// user.max_user_namespaces
    package let maximum: UInt64?
    /// kernel.unprivileged_userns_clone (Debian, Ubuntu)
    package let unprivilegedClone: UInt64?
    /// kernel.apparmor_restrict_unprivileged_userns (Ubuntu 23.10 and later)
    package let apparmorRestricts: UInt64?

    package init(maximum: UInt64?, unprivilegedClone: UInt64?, apparmorRestricts: UInt64?) {
        self.maximum = maximum
        self.unprivilegedClone = unprivilegedClone
        self.apparmorRestricts = apparmorRestricts
    }

    /// Why a user namespace cannot be made or used, with what to do; nil when no switch stands against it.
    package func obstacle(asRoot: Bool) -> String? {
        guard let maximum else { return "this kernel has no user namespaces" }
        if maximum == 0 { return "user namespaces are switched off; set sysctl user.max_user_namespaces to more than 0" }
        if asRoot { return nil }
        if unprivilegedClone == 0 {
            return "only root may make user namespaces here; set sysctl kernel.unprivileged_userns_clone=1, or run as root"
        }
        if let apparmorRestricts, apparmorRestricts != 0 {
            return "AppArmor restricts user namespaces of ordinary users; install an AppArmor profile with the userns rule for "
                + "glovebox-launcher, or set sysctl kernel.apparmor_restrict_unprivileged_userns=0"
        }
        return nil
    }
}
