/// Facts that the argument rules of one filter depend on.
struct ArgumentContext {
    /// `clone` may make processes, `fork` and `vfork` exist.
    var mayFork: Bool
    /// `execve` with any path; otherwise only the launcher's own call.
    var mayExecute: Bool
    /// Stream sockets of the internet families: a network grant is there.
    var internetStreams: Bool
    /// Datagram sockets too: the sandbox has a loopback of its own.
    var internetDatagrams: Bool
    var demands: FilterDemands
    /// What a refused call gets.
    var refusal: FilterAction
}

/// How one allowed call is narrowed by its arguments. Comparisons look at the low 32 bits, because the kernel truncates these
/// arguments and a caller may put anything above them.
struct ArgumentRules {
    /// Argument patterns and what they get; patterns with different actions never overlap.
    var patterns: [(conditions: [ArgumentCondition], action: FilterAction)]
    var otherwise: FilterAction
    /// Replaces the group's name in the `otherwise` rule, when that is not a plain refusal.
    var otherwiseGroup: String?

    static func allowOnly(_ patterns: [[ArgumentCondition]], else refusal: FilterAction, group: String? = nil) -> ArgumentRules {
        ArgumentRules(patterns: patterns.map { ($0, .allow) }, otherwise: refusal, otherwiseGroup: group)
    }

    static func never(_ action: FilterAction, group: String) -> ArgumentRules {
        ArgumentRules(patterns: [], otherwise: action, otherwiseGroup: group)
    }

    /// The rules of allowed calls, by name; a call that is not there may have any arguments.
    static func byCall(in context: ArgumentContext) -> [String: ArgumentRules] {
        var table: [String: ArgumentRules] = [:]
        table.reserveCapacity(64)
        addProcessRules(to: &table, context)
        addFileRules(to: &table, context)
        addSocketRules(to: &table, context)
        addSettingRules(to: &table, context)
        return table
    }
}

extension ArgumentCondition {
    /// The low 32 bits of the argument under a mask.
    static func bits(_ argument: UInt32, _ mask: UInt32, are value: UInt32) -> ArgumentCondition {
        ArgumentCondition(argument: argument, comparison: .maskedEqual(mask: UInt64(mask)), value: UInt64(value))
    }

    /// The low 32 bits of the argument as a whole.
    static func low(_ argument: UInt32, is value: UInt32) -> ArgumentCondition { bits(argument, 0xffff_ffff, are: value) }
}

// MARK: - processes

extension ArgumentRules {
    private static func addProcessRules(to table: inout [String: ArgumentRules], _ context: ArgumentContext) {
        let refusal = context.refusal
        // All CLONE_NEW* bits that clone takes; CLONE_NEWTIME (0x80) lies in the signal byte and comes by unshare and clone3 only.
        let namespaces: UInt32 = 0x7E02_0000
        let thread: UInt32 = 0x0001_0000
        table["clone"] = allowOnly(
            [context.mayFork ? [.bits(0, namespaces, are: 0)] : [.bits(0, namespaces | thread, are: thread)]], else: refusal)
        if !context.mayFork {
            for call in ["fork", "vfork"] { table[call] = never(refusal, group: "@process") }
        }
        if context.mayExecute {
            // AT_EMPTY_PATH runs a descriptor, which may be a memfd that no Landlock rule covers.
            table["execveat"] = allowOnly([[.bits(4, 0x1000, are: 0)]], else: refusal)
        } else {
            // Without process:spawn exactly one execve happens: the launcher's, whose path stands at an address that only this
            // launch knows. The filter is patched with it (FilterProgram.patched).
            table["execve"] = allowOnly(
                [[ArgumentCondition(argument: 0, comparison: .equal, value: ExecPointer.placeholder)]], else: refusal)
            table["execveat"] = never(refusal, group: "@process")
        }
        // pid 0 is the caller; limits of others are not the tool's business.
        table["prlimit64"] = allowOnly([[.low(0, is: 0)]], else: refusal)
    }
}

// MARK: - files

extension ArgumentRules {
    private static let setIdBits: UInt32 = 0o6000
    private static let createFlag: UInt32 = 0x40
    /// With it the kernel opens nothing, makes nothing and ignores the other two.
    private static let pathFlag: UInt32 = 0x20_0000
    /// __O_TMPFILE without its O_DIRECTORY part.
    private static let temporaryFlag: UInt32 = 0x40_0000

    /// Calls that make a new name.
    private static let creatingCalls = [
        "creat", "mkdir", "mkdirat", "mknod", "mknodat", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat",
    ]

    private static func addFileRules(to table: inout [String: ArgumentRules], _ context: ArgumentContext) {
        table["open"] = openRules(flags: 1, mode: 2, context)
        table["openat"] = openRules(flags: 2, mode: 3, context)
        if context.demands.mediateCreation {
            for call in creatingCalls { table[call] = never(context.refusal, group: NotificationGroup.creation) }
        } else {
            // mkdir drops set-id bits by itself, so its mode needs no rule.
            table["creat"] = withoutSetId(mode: 1, context)
            table["mknod"] = nodeRules(mode: 1, context)
            table["mknodat"] = nodeRules(mode: 2, context)
        }
        for call in ["chmod", "fchmod"] { table[call] = withoutSetId(mode: 1, context) }
        for call in ["fchmodat", "fchmodat2"] { table[call] = withoutSetId(mode: 2, context) }
        // Space that is set aside is written by nobody, so nothing counts it. Libraries fall back to writing zeros.
        table["fallocate"] = never(.errno(95), group: "@file-system")
        table["memfd_create"] = memfdRules(context)
    }

    private static func withoutSetId(mode: UInt32, _ context: ArgumentContext) -> ArgumentRules {
        allowOnly([[.bits(mode, setIdBits, are: 0)]], else: context.refusal)
    }

    /// The mode counts only where a file is created: otherwise its register holds whatever the caller left there.
    private static func openRules(flags: UInt32, mode: UInt32, _ context: ArgumentContext) -> ArgumentRules {
        let creating = createFlag | temporaryFlag
        let plain: [ArgumentCondition] = [.bits(flags, creating | pathFlag, are: 0)]
        let location: [ArgumentCondition] = [.bits(flags, pathFlag, are: pathFlag)]
        let nameless: [ArgumentCondition] = [.bits(flags, creating | pathFlag, are: temporaryFlag), .bits(mode, setIdBits, are: 0)]
        if context.demands.watchOpening {
            let created: [ArgumentCondition] = [.bits(flags, createFlag | pathFlag, are: createFlag), .bits(mode, setIdBits, are: 0)]
            return allowOnly(
                [location, nameless] + (context.demands.mediateCreation ? [] : [created]), else: context.refusal,
                group: NotificationGroup.creation)
        }
        if context.demands.mediateCreation {
            // A nameless file is no new name; linkat, which would give it one, is mediated.
            return allowOnly(
                [plain, location, nameless], else: context.refusal,
                group: NotificationGroup.creation)
        }
        return allowOnly([plain, location, [.bits(mode, setIdBits, are: 0)]], else: context.refusal)
    }

    /// Regular files (also by type 0), pipes and sockets; device nodes and set-id bits are refused.
    private static func nodeRules(mode: UInt32, _ context: ArgumentContext) -> ArgumentRules {
        let types: [UInt32] = [0, 0x8000, 0x1000, 0xC000]
        return allowOnly(types.map { [.bits(mode, 0xF000 | setIdBits, are: $0)] }, else: context.refusal)
    }

    private static func memfdRules(_ context: ArgumentContext) -> ArgumentRules {
        let noExecSeal: UInt32 = 0x8
        let exec: UInt32 = 0x10
        if context.demands.mediateMemfd {
            return allowOnly([[.bits(1, noExecSeal | exec, are: noExecSeal)]], else: context.refusal, group: NotificationGroup.memfd)
        }
        return allowOnly([[.bits(1, exec, are: 0)]], else: context.refusal)
    }
}

// MARK: - sockets

extension ArgumentRules {
    private static func addSocketRules(to table: inout [String: ArgumentRules], _ context: ArgumentContext) {
        let refusal = context.refusal
        table["socket"] = allowOnly(socketPatterns(context), else: refusal)
        // A datagram end can be connected again, to any path; stream and packet ends cannot.
        table["socketpair"] = allowOnly([1, 5].map { socketPattern(family: 1, type: $0, protocol: 0) }, else: refusal)
        // MSG_FASTOPEN connects without connect(2), past Landlock's TCP rules.
        let fastOpen: UInt32 = 0x2000_0000
        for call in ["sendto", "sendmmsg"] { table[call] = allowOnly([[.bits(3, fastOpen, are: 0)]], else: refusal) }
        table["sendmsg"] = allowOnly([[.bits(2, fastOpen, are: 0)]], else: refusal)
        if context.demands.mediateNetwork || context.demands.mediateLocalSockets {
            // The address lies behind a pointer, so all of them go to the supervisor.
            for call in ["connect", "bind"] { table[call] = never(refusal, group: NotificationGroup.network) }
        }
    }

    private static func socketPatterns(_ context: ArgumentContext) -> [[ArgumentCondition]] {
        // AF_UNIX: SOCK_STREAM 1, SOCK_SEQPACKET 5. A datagram socket names its target in each message, behind a pointer that
        // nobody checks.
        var patterns = [1, 5].map { socketPattern(family: 1, type: $0, protocol: 0) }
        // AF_INET 2, AF_INET6 10. Protocols by number, so that MPTCP (262), SCTP (132) and the raw ones stay out.
        for family in [2, 10] as [UInt32] {
            if context.internetStreams {
                patterns += [0, 6].map { socketPattern(family: family, type: 1, protocol: $0) }
            }
            if context.internetDatagrams {
                patterns += [0, 17].map { socketPattern(family: family, type: 2, protocol: $0) }
            }
        }
        return patterns
    }

    /// The low four bits of the type are the type; SOCK_CLOEXEC and SOCK_NONBLOCK lie above.
    private static func socketPattern(family: UInt32, type: UInt32, protocol number: UInt32) -> [ArgumentCondition] {
        [.low(0, is: family), .bits(1, 0xF, are: type), .low(2, is: number)]
    }
}

// MARK: - settings

extension ArgumentRules {
    private static func addSettingRules(to table: inout [String: ArgumentRules], _ context: ArgumentContext) {
        let refusal = context.refusal
        table["ioctl"] = ioctlRules(context)
        table["prctl"] = allowOnly(prctlPatterns, else: refusal)
        // Docker's list: Linux, with or without the 32-bit name and UNAME26; 0xffffffff asks.
        table["personality"] = allowOnly([0, 8, 0x20000, 0x20008, 0xffff_ffff].map { [.low(0, is: $0)] }, else: refusal)
        // SET_MODE_STRICT, GET_ACTION_AVAIL, GET_NOTIF_SIZES, and SET_MODE_FILTER without NEW_LISTENER: a listener of the tool's
        // own would answer calls in place of the kernel.
        let plain: [[ArgumentCondition]] = [0, 2, 3].map { [.low(0, is: $0)] }
        table["seccomp"] = allowOnly(plain + [[.low(0, is: 1), .bits(1, 8, are: 0)]], else: refusal)
    }

    /// Requests that are refused; the others pass.
    private static func ioctlRules(_ context: ArgumentContext) -> ArgumentRules {
        // TIOCSTI, TIOCLINUX, TIOCCONS, TIOCSETD: inject input, take over the console, load line disciplines. Then the
        // keyboard (0x4B..) and virtual-terminal (0x56..) requests as ranges. FIOASYNC stays: event loops use it, and its
        // signal goes to the owner that the caller set, inside its own pid namespace.
        // FS_IOC_RESVSP, RESVSP64 and ZERO_RANGE set space aside as fallocate does.
        let requests: [UInt32] = [0x5412, 0x541C, 0x541D, 0x5423, 0x4030_5828, 0x4030_582A, 0x4030_5839]
        var ranges: [(value: UInt32, mask: UInt32)] = [(0x4B00, 0xffff_ff00), (0x5600, 0xffff_ff00)]
        if context.demands.mediateNetwork {
            // A socket that the supervisor hands over stands in the host's network: it must not tell of interfaces and routes
            // there. 0x8910 to 0x89FF, without SIOCATMARK and its neighbours below; 0x8B00 are wireless extensions.
            ranges += [
                (0x8910, 0xffff_fff0), (0x8920, 0xffff_ffe0), (0x8940, 0xffff_ffc0), (0x8980, 0xffff_ff80), (0x8B00, 0xffff_ff00),
            ]
        }
        let conditions = requests.map { [ArgumentCondition.low(1, is: $0)] } + ranges.map { [.bits(1, $0.mask, are: $0.value)] }
        return ArgumentRules(patterns: conditions.map { ($0, context.refusal) }, otherwise: .allow)
    }

    /// Options that concern the caller alone and give nothing: names, death signals, timers, reading back.
    /// Left out on purpose: SET_PTRACER, SET_MM, SET_SECUREBITS, CAP_AMBIENT_RAISE, SET_DUMPABLE to 1, CAPBSET_DROP, SCHED_CORE.
    private static let prctlPatterns: [[ArgumentCondition]] = {
        let free: [UInt32] = [
            1, 2, // PDEATHSIG set, get
            3, // GET_DUMPABLE
            7, // GET_KEEPCAPS
            15, 16, // NAME set, get
            21, 22, // SECCOMP get, set: further filters narrow
            23, // CAPBSET_READ
            25, // GET_TSC
            27, // GET_SECUREBITS
            29, 30, // TIMERSLACK set, get
            36, 37, // CHILD_SUBREAPER set, get
            38, 39, // NO_NEW_PRIVS set, get
            40, // GET_TID_ADDRESS
            41, 42, // THP_DISABLE set, get
            52, // GET_SPECULATION_CTRL
            65, 66, // MDWE set, get: memory-deny-write-execute, narrows
            0x4155_5856, // GET_AUXV
            0x5356_4d41, // SET_VMA: names of anonymous memory
        ]
        return free.map { [.low(0, is: $0)] } + [
            [.low(0, is: 4), .low(1, is: 0)], // SET_DUMPABLE, off only
            [.low(0, is: 47), .low(1, is: 1)], // CAP_AMBIENT_IS_SET
        ]
    }()
}
