/// What the seccomp filter of one run decides, before libseccomp turns it into BPF.
///
/// `SyscallCatalogue` derives it from a confinement; `FilterCompiler` (SandboxLauncher) compiles it; `BPFEvaluator` runs the
/// compiled program over made-up calls, so that tests need no kernel; `decide` says what the specification itself means.
package struct FilterSpecification: Sendable, Equatable {
    /// Rules of one syscall are alternatives without an order: those with conditions are disjoint where their actions differ,
    /// as libseccomp wants them, and at most one without conditions says what happens otherwise.
    package var rules: [SyscallRule]
    /// Answer to a number that no rule names: ENOSYS, so that libraries fall back.
    package var defaultAction: FilterAction

    package init(rules: [SyscallRule], defaultAction: FilterAction) {
        self.rules = rules
        self.defaultAction = defaultAction
    }
}

package struct SyscallRule: Sendable, Equatable {
    package var name: String
    /// x86-64 number.
    package var number: Int32
    /// All must hold; empty means always, or otherwise when other rules of the same syscall have conditions.
    package var conditions: [ArgumentCondition]
    package var action: FilterAction
    /// Group that brought the rule in, for explanations.
    package var group: String

    package init(name: String, number: Int32, conditions: [ArgumentCondition] = [], action: FilterAction, group: String) {
        self.name = name
        self.number = number
        self.conditions = conditions
        self.action = action
        self.group = group
    }
}

package enum FilterAction: Sendable, Equatable, Hashable {
    case allow
    /// The supervisor gets a notification and answers it. A refused call answers `EPERM` when there is no listener.
    case notify
    case errno(Int32)
    case killProcess
}

/// One comparison of one argument. The kernel truncates most of these arguments to 32 bits, so masks keep to the low half
/// (CVE-2019-10063: a 64-bit compare of an ioctl request is passed by adding 2^32).
package struct ArgumentCondition: Sendable, Equatable {
    /// 0…5
    package var argument: UInt32
    package var comparison: Comparison
    package var value: UInt64

    package enum Comparison: Sendable, Equatable {
        /// (argument & mask) == value
        case maskedEqual(mask: UInt64)
        case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
    }

    package init(argument: UInt32, comparison: Comparison, value: UInt64) {
        self.argument = argument
        self.comparison = comparison
        self.value = value
    }
}

/// What the filter must do beyond the policy's own groups; each is a fact of the run, not a wish of the policy.
package struct FilterDemands: Sendable, Equatable, Hashable {
    /// Creating calls (open with O_CREAT, mkdir, mknod, rename, link, symlink and their *at forms) go to the supervisor, and
    /// `openat2` answers ENOSYS because its flags lie behind a pointer.
    package var mediateCreation: Bool
    /// `memfd_create` without MFD_NOEXEC_SEAL goes to the supervisor, MFD_EXEC is refused. Needed when the pid namespace could
    /// not be given `vm.memfd_noexec=2` (only the host's root can).
    package var mediateMemfd: Bool
    /// `connect` and `bind` on INET sockets go to the supervisor.
    package var mediateNetwork: Bool
    /// The same for the sake of unix sockets alone, which Landlock does not know by path before ABI 9.
    package var mediateLocalSockets: Bool
    /// False where no listener can be had: refused calls then answer a plain errno.
    package var canNotify: Bool
    /// Plain openings, which are allowed, go to the supervisor too, which looks at them and lets them go on.
    package var watchOpening: Bool

    package init(
        mediateCreation: Bool, mediateMemfd: Bool, mediateNetwork: Bool, mediateLocalSockets: Bool = false, canNotify: Bool,
        watchOpening: Bool = false
    ) {
        self.mediateCreation = mediateCreation
        self.mediateMemfd = mediateMemfd
        self.mediateNetwork = mediateNetwork
        self.mediateLocalSockets = mediateLocalSockets
        self.canNotify = canNotify
        self.watchOpening = watchOpening
    }
}
