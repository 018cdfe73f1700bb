/// A set of named values of one argument.
struct ValueNames {
    /// Exact values.
    var values: [UInt32: String] = [:]
    /// Flags, in the order in which they are printed. A flag of several bits must stand before its parts.
    var flags: [(bits: UInt32, name: String)] = []
    /// Part of the argument that is a value, when flags are there as well.
    var valueMask: UInt32 = 0

    /// `A|B|0x10`, a single name, or the number in hexadecimal.
    func text(_ argument: UInt64) -> String {
        let low = UInt32(truncatingIfNeeded: argument)
        // The kernel drops the upper half; saying so shows an attempt to slip past a filter.
        let suffix = argument >> 32 == 0 || argument >> 32 == 0xffff_ffff ? "" : " (+0x\(String(argument >> 32, radix: 16)) above bit 31)"
        if flags.isEmpty { return (values[low] ?? ValueNames.hexadecimal(low)) + suffix }
        var rest = low
        var parts: [String] = []
        if valueMask != 0 {
            let value = rest & valueMask
            if value != 0 || values[0] != nil { parts.append(values[value] ?? ValueNames.hexadecimal(value)) }
            rest &= ~valueMask
        } else if low == 0, let name = values[0] {
            return name + suffix
        }
        for flag in flags where rest & flag.bits == flag.bits {
            parts.append(flag.name)
            rest &= ~flag.bits
        }
        if rest != 0 || parts.isEmpty { parts.append(ValueNames.hexadecimal(rest)) }
        return parts.joined(separator: "|") + suffix
    }

    static func hexadecimal(_ value: some BinaryInteger) -> String { value < 10 ? "\(value)" : "0x" + String(value, radix: 16) }
}

/// Names from the kernel's user-space headers, for the arguments that filters look at.
extension ValueNames {
    static let openFlags = ValueNames(
        values: [0: "O_RDONLY", 1: "O_WRONLY", 2: "O_RDWR", 3: "O_ACCMODE"],
        flags: [
            (0x40, "O_CREAT"), (0x80, "O_EXCL"), (0x100, "O_NOCTTY"), (0x200, "O_TRUNC"), (0x400, "O_APPEND"), (0x800, "O_NONBLOCK"),
            (0x10_1000, "O_SYNC"), (0x1000, "O_DSYNC"), (0x2000, "O_ASYNC"), (0x4000, "O_DIRECT"), (0x8000, "O_LARGEFILE"),
            (0x41_0000, "O_TMPFILE"), (0x1_0000, "O_DIRECTORY"), (0x2_0000, "O_NOFOLLOW"), (0x4_0000, "O_NOATIME"),
            (0x8_0000, "O_CLOEXEC"), (0x20_0000, "O_PATH"),
        ], valueMask: 3)

    static let cloneFlags = ValueNames(flags: [
        (0x100, "CLONE_VM"), (0x200, "CLONE_FS"), (0x400, "CLONE_FILES"), (0x800, "CLONE_SIGHAND"), (0x1000, "CLONE_PIDFD"),
        (0x2000, "CLONE_PTRACE"), (0x4000, "CLONE_VFORK"), (0x8000, "CLONE_PARENT"), (0x1_0000, "CLONE_THREAD"),
        (0x2_0000, "CLONE_NEWNS"), (0x4_0000, "CLONE_SYSVSEM"), (0x8_0000, "CLONE_SETTLS"), (0x10_0000, "CLONE_PARENT_SETTID"),
        (0x20_0000, "CLONE_CHILD_CLEARTID"), (0x80_0000, "CLONE_UNTRACED"), (0x100_0000, "CLONE_CHILD_SETTID"),
        (0x200_0000, "CLONE_NEWCGROUP"), (0x400_0000, "CLONE_NEWUTS"), (0x800_0000, "CLONE_NEWIPC"), (0x1000_0000, "CLONE_NEWUSER"),
        (0x2000_0000, "CLONE_NEWPID"), (0x4000_0000, "CLONE_NEWNET"), (0x8000_0000, "CLONE_IO"), (0x11, "SIGCHLD"),
    ])

    static let unshareFlags = ValueNames(flags: [(0x80, "CLONE_NEWTIME")] + cloneFlags.flags.filter { $0.bits != 0x11 })

    static let socketFamilies = ValueNames(values: [
        0: "AF_UNSPEC", 1: "AF_UNIX", 2: "AF_INET", 3: "AF_AX25", 4: "AF_IPX", 5: "AF_APPLETALK", 9: "AF_X25", 10: "AF_INET6",
        15: "AF_KEY", 16: "AF_NETLINK", 17: "AF_PACKET", 21: "AF_RDS", 24: "AF_PPPOX", 27: "AF_IB", 28: "AF_MPLS", 29: "AF_CAN",
        30: "AF_TIPC", 31: "AF_BLUETOOTH", 33: "AF_RXRPC", 35: "AF_PHONET", 36: "AF_IEEE802154", 38: "AF_ALG", 39: "AF_NFC",
        40: "AF_VSOCK", 41: "AF_KCM", 42: "AF_QIPCRTR", 43: "AF_SMC", 44: "AF_XDP", 45: "AF_MCTP",
    ])

    static let socketTypes = ValueNames(
        values: [
            1: "SOCK_STREAM", 2: "SOCK_DGRAM", 3: "SOCK_RAW", 4: "SOCK_RDM", 5: "SOCK_SEQPACKET", 6: "SOCK_DCCP", 10: "SOCK_PACKET",
        ],
        flags: [(0x800, "SOCK_NONBLOCK"), (0x8_0000, "SOCK_CLOEXEC")], valueMask: 0xF)

    static let internetProtocols = ValueNames(values: [
        0: "0", 1: "IPPROTO_ICMP", 6: "IPPROTO_TCP", 17: "IPPROTO_UDP", 58: "IPPROTO_ICMPV6", 132: "IPPROTO_SCTP",
        136: "IPPROTO_UDPLITE", 255: "IPPROTO_RAW", 262: "IPPROTO_MPTCP",
    ])

    static let netlinkProtocols = ValueNames(values: [
        0: "NETLINK_ROUTE", 4: "NETLINK_SOCK_DIAG", 5: "NETLINK_NFLOG", 6: "NETLINK_XFRM", 7: "NETLINK_SELINUX", 9: "NETLINK_AUDIT",
        11: "NETLINK_CONNECTOR", 12: "NETLINK_NETFILTER", 15: "NETLINK_KOBJECT_UEVENT", 16: "NETLINK_GENERIC", 21: "NETLINK_CRYPTO",
    ])

    static let messageFlags = ValueNames(flags: [
        (0x1, "MSG_OOB"), (0x4, "MSG_DONTROUTE"), (0x40, "MSG_DONTWAIT"), (0x80, "MSG_EOR"), (0x800, "MSG_CONFIRM"),
        (0x4000, "MSG_NOSIGNAL"), (0x8000, "MSG_MORE"), (0x400_0000, "MSG_ZEROCOPY"), (0x2000_0000, "MSG_FASTOPEN"),
    ])

    static let ioctlRequests = ValueNames(values: [
        0x4B3A: "KDSETMODE", 0x4B47: "KDSKBENT", 0x4B49: "KDSKBSENT", 0x5401: "TCGETS", 0x5402: "TCSETS", 0x540E: "TIOCSCTTY",
        0x540F: "TIOCGPGRP", 0x5410: "TIOCSPGRP", 0x5412: "TIOCSTI", 0x5413: "TIOCGWINSZ", 0x5414: "TIOCSWINSZ", 0x541B: "FIONREAD",
        0x541C: "TIOCLINUX", 0x541D: "TIOCCONS", 0x5421: "FIONBIO", 0x5423: "TIOCSETD", 0x5452: "FIOASYNC", 0x5600: "VT_OPENQRY",
        0x5602: "VT_SETMODE", 0x5606: "VT_ACTIVATE",
    ])

    static let prctlOptions = ValueNames(values: [
        1: "PR_SET_PDEATHSIG", 2: "PR_GET_PDEATHSIG", 3: "PR_GET_DUMPABLE", 4: "PR_SET_DUMPABLE", 5: "PR_GET_UNALIGN",
        6: "PR_SET_UNALIGN", 7: "PR_GET_KEEPCAPS", 8: "PR_SET_KEEPCAPS", 13: "PR_GET_TIMING", 14: "PR_SET_TIMING", 15: "PR_SET_NAME",
        16: "PR_GET_NAME", 21: "PR_GET_SECCOMP", 22: "PR_SET_SECCOMP", 23: "PR_CAPBSET_READ", 24: "PR_CAPBSET_DROP",
        25: "PR_GET_TSC", 26: "PR_SET_TSC", 27: "PR_GET_SECUREBITS", 28: "PR_SET_SECUREBITS", 29: "PR_SET_TIMERSLACK",
        30: "PR_GET_TIMERSLACK", 31: "PR_TASK_PERF_EVENTS_DISABLE", 32: "PR_TASK_PERF_EVENTS_ENABLE", 33: "PR_MCE_KILL",
        34: "PR_MCE_KILL_GET", 35: "PR_SET_MM", 36: "PR_SET_CHILD_SUBREAPER", 37: "PR_GET_CHILD_SUBREAPER",
        38: "PR_SET_NO_NEW_PRIVS", 39: "PR_GET_NO_NEW_PRIVS", 40: "PR_GET_TID_ADDRESS", 41: "PR_SET_THP_DISABLE",
        42: "PR_GET_THP_DISABLE", 47: "PR_CAP_AMBIENT", 52: "PR_GET_SPECULATION_CTRL", 53: "PR_SET_SPECULATION_CTRL",
        57: "PR_SET_IO_FLUSHER", 59: "PR_SET_SYSCALL_USER_DISPATCH", 62: "PR_SCHED_CORE", 65: "PR_SET_MDWE", 66: "PR_GET_MDWE",
        67: "PR_SET_MEMORY_MERGE", 68: "PR_GET_MEMORY_MERGE", 0x4155_5856: "PR_GET_AUXV", 0x5356_4d41: "PR_SET_VMA",
        0x5961_6d61: "PR_SET_PTRACER",
    ])

    static let personalities = ValueNames(
        values: [0: "PER_LINUX", 8: "PER_LINUX32"],
        flags: [
            (0x2_0000, "UNAME26"), (0x4_0000, "ADDR_NO_RANDOMIZE"), (0x8_0000, "FDPIC_FUNCPTRS"), (0x10_0000, "MMAP_PAGE_ZERO"),
            (0x20_0000, "ADDR_COMPAT_LAYOUT"), (0x40_0000, "READ_IMPLIES_EXEC"), (0x80_0000, "ADDR_LIMIT_32BIT"),
            (0x400_0000, "STICKY_TIMEOUTS"), (0x800_0000, "ADDR_LIMIT_3GB"),
        ], valueMask: 0xFF)

    static let memfdFlags = ValueNames(flags: [
        (0x1, "MFD_CLOEXEC"), (0x2, "MFD_ALLOW_SEALING"), (0x4, "MFD_HUGETLB"), (0x8, "MFD_NOEXEC_SEAL"), (0x10, "MFD_EXEC"),
    ])

    static let protections = ValueNames(
        values: [0: "PROT_NONE"], flags: [(0x1, "PROT_READ"), (0x2, "PROT_WRITE"), (0x4, "PROT_EXEC")])

    static let mapFlags = ValueNames(flags: [
        (0x3, "MAP_SHARED_VALIDATE"), (0x1, "MAP_SHARED"), (0x2, "MAP_PRIVATE"), (0x10, "MAP_FIXED"), (0x20, "MAP_ANONYMOUS"),
        (0x40, "MAP_32BIT"), (0x100, "MAP_GROWSDOWN"), (0x2000, "MAP_LOCKED"), (0x4000, "MAP_NORESERVE"), (0x8000, "MAP_POPULATE"),
        (0x2_0000, "MAP_STACK"), (0x4_0000, "MAP_HUGETLB"), (0x10_0000, "MAP_FIXED_NOREPLACE"),
    ])

    static let execFlags = ValueNames(flags: [(0x100, "AT_SYMLINK_NOFOLLOW"), (0x1000, "AT_EMPTY_PATH")])

    static let seccompOperations = ValueNames(values: [
        0: "SECCOMP_SET_MODE_STRICT", 1: "SECCOMP_SET_MODE_FILTER", 2: "SECCOMP_GET_ACTION_AVAIL", 3: "SECCOMP_GET_NOTIF_SIZES",
    ])

    static let seccompFlags = ValueNames(flags: [
        (0x1, "TSYNC"), (0x2, "LOG"), (0x4, "SPEC_ALLOW"), (0x8, "NEW_LISTENER"), (0x10, "TSYNC_ESRCH"), (0x20, "WAIT_KILLABLE_RECV"),
    ])

    static let ptraceRequests = ValueNames(values: [
        0: "PTRACE_TRACEME", 1: "PTRACE_PEEKTEXT", 2: "PTRACE_PEEKDATA", 4: "PTRACE_POKETEXT", 5: "PTRACE_POKEDATA", 7: "PTRACE_CONT",
        16: "PTRACE_ATTACH", 17: "PTRACE_DETACH", 24: "PTRACE_SYSCALL", 0x4200: "PTRACE_SETOPTIONS", 0x4206: "PTRACE_SEIZE",
    ])
}
