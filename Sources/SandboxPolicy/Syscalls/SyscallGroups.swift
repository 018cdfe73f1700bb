extension SyscallGroup {
    /// All groups: those of the bases, those on request, those that no policy may allow.
    package static let all: [SyscallGroup] = computeGroups + standardGroups + requestGroups + forbiddenGroups

    /// The group of a call.
    package static func containing(_ call: String) -> SyscallGroup? { index(containing: call).map { all[$0] } }

    /// Index into `all` of a call's group.
    static func index(containing call: String) -> Int? { groupIndex[call] }

    private static let groupIndex: [String: Int] = {
        var result: [String: Int] = [:]
        result.reserveCapacity(SyscallTable.count)
        for (index, group) in all.enumerated() {
            for call in group.members { result[call] = index }
        }
        return result
    }()

    /// In both bases.
    private static let computeGroups: [SyscallGroup] = [
        SyscallGroup(
            "@basic-io", .compute,
            purpose: "read, write and manage descriptors that the process already has; ioctl without terminal injection",
            """
            read write pread64 pwrite64 readv writev preadv pwritev preadv2 pwritev2 close close_range lseek dup dup2 dup3 fcntl ioctl
            pipe pipe2 fsync fdatasync sync_file_range sendfile
            """),
        SyscallGroup(
            "@file-read", .compute,
            purpose: "open and look at files; mounts and Landlock decide which ones",
            """
            open openat access faccessat faccessat2 stat fstat lstat newfstatat statx readlink readlinkat getcwd chdir fchdir
            getdents getdents64 statfs fstatfs fadvise64 readahead
            """),
        SyscallGroup(
            "@file-write", .compute,
            purpose: "create, change and remove files where mounts and Landlock let it; never device nodes or set-id files",
            """
            creat truncate ftruncate fallocate mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat
            symlink symlinkat mknod mknodat umask flock copy_file_range splice tee utime utimes utimensat futimesat
            """),
        SyscallGroup(
            "@file-metadata", .compute,
            purpose: "modes and owners of files the process owns; set-id bits are refused, foreign owners need a capability it has not",
            "chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat"),
        SyscallGroup(
            "@memory", .compute,
            purpose: "the process's own address space; amounts are limited elsewhere, mseal and protection keys only narrow",
            """
            brk mmap munmap mremap mprotect madvise msync mincore mlock mlock2 munlock mlockall munlockall membarrier mseal
            pkey_alloc pkey_free pkey_mprotect
            """),
        SyscallGroup(
            "@signals", .compute,
            purpose: "handlers, masks and signals to processes of the sandbox: its pid namespace and Landlock scope end there",
            """
            rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigsuspend rt_sigqueueinfo
            rt_tgsigqueueinfo sigaltstack kill tkill tgkill pause restart_syscall
            """),
        SyscallGroup(
            "@time-read", .compute,
            purpose: "read clocks, sleep, arm timers of the process; setting a clock is @clock-set",
            """
            clock_gettime clock_getres gettimeofday time times nanosleep clock_nanosleep alarm getitimer setitimer
            timer_create timer_settime timer_gettime timer_getoverrun timer_delete
            """),
        SyscallGroup(
            "@threads", .compute,
            purpose: "threads and their synchronisation; clone never makes a namespace, nor a process without process:spawn",
            """
            clone futex set_tid_address set_robust_list get_robust_list rseq sched_yield getcpu arch_prctl exit exit_group
            """),
        SyscallGroup(
            "@polling", .compute,
            purpose: "wait for descriptors, events, timers and signals of the process",
            """
            poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2
            eventfd eventfd2 timerfd_create timerfd_settime timerfd_gettime signalfd signalfd4
            """),
        SyscallGroup("@random", .compute, purpose: "random bytes", "getrandom"),
        SyscallGroup(
            "@identity-read", .compute,
            purpose: "own ids, groups, capabilities and the (private) host name",
            """
            getpid getppid gettid getpgid getpgrp getsid getuid geteuid getgid getegid getresuid getresgid getgroups capget
            uname sysinfo
            """),
        SyscallGroup(
            "@resource", .compute,
            purpose: "limits, priority and placement of processes in the sandbox; the kernel lets nothing rise without a capability",
            """
            getrlimit setrlimit prlimit64 getrusage getpriority setpriority ioprio_get sched_getaffinity sched_setaffinity
            sched_getparam sched_setparam sched_getscheduler sched_setscheduler sched_getattr sched_setattr
            sched_get_priority_max sched_get_priority_min sched_rr_get_interval
            """),
        SyscallGroup(
            "@process-settings", .compute,
            purpose: "listed prctl options, Docker's personalities, further filters without a listener: all narrow or are private",
            "prctl personality seccomp"),
        SyscallGroup(
            "@landlock", .compute,
            purpose: "a tool may confine itself further; a ruleset can only narrow",
            "landlock_create_ruleset landlock_add_rule landlock_restrict_self"),
    ]

    /// In the base `default` only.
    private static let standardGroups: [SyscallGroup] = [
        SyscallGroup(
            "@process", .standard,
            purpose: "make and run processes inside the sandbox (with process:spawn) and wait for them; they inherit every restriction",
            "fork vfork execve execveat wait4 waitid pidfd_open pidfd_send_signal setpgid setsid"),
        SyscallGroup(
            "@local-sockets", .standard,
            purpose: "AF_UNIX sockets between processes of the sandbox; other families come with network grants, few and by argument",
            """
            socket socketpair connect bind listen accept accept4 getsockname getpeername getsockopt setsockopt shutdown
            sendto recvfrom sendmsg recvmsg sendmmsg recvmmsg
            """),
        SyscallGroup(
            "@memory-files", .standard,
            purpose: "anonymous files that cannot be run (memfd without the execute bit)",
            "memfd_create"),
        SyscallGroup(
            "@identity-change", .standard,
            purpose: "without capabilities the kernel accepts only ids already held; programs call these to drop what they do not have",
            "setuid setgid setreuid setregid setresuid setresgid setfsuid setfsgid setgroups capset"),
        SyscallGroup(
            "@xattr-read", .standard, purpose: "extended attributes of files that can be opened",
            "getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr"),
        SyscallGroup(
            "@xattr-write", .standard,
            purpose: "user attributes and ACLs of own files; security and trusted attributes need capabilities",
            "setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr"),
        SyscallGroup(
            "@inotify", .standard, purpose: "watch files that are visible in the private root",
            "inotify_init inotify_init1 inotify_add_watch inotify_rm_watch"),
        SyscallGroup("@sync", .standard, purpose: "flush file systems: costs time, gives nothing", "sync syncfs"),
    ]
}
