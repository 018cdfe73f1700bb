/// What the bases leave out. A policy can ask for the first part by name; the second part is closed for good.
extension SyscallGroup {
    static let requestGroups: [SyscallGroup] = [
        SyscallGroup(
            "@sysv-ipc", .onRequest,
            purpose: "System V memory, semaphores and queues: private by the ipc namespace, but memory outlives processes until that ends",
            "shmget shmat shmctl shmdt semget semop semctl semtimedop msgget msgsnd msgrcv msgctl"),
        SyscallGroup(
            "@posix-mq", .onRequest, purpose: "POSIX message queues: private by the ipc namespace, a kernel surface that few tools need",
            "mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr"),
        SyscallGroup(
            "@debug", .onRequest,
            purpose: "trace and read other processes of the sandbox (debuggers, strace); voids what keeps its processes apart",
            "ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp pidfd_getfd"),
        SyscallGroup(
            "@numa", .onRequest,
            purpose: "place memory on nodes: affects neighbours on a shared machine, and moves pages of other processes",
            "mbind set_mempolicy set_mempolicy_home_node migrate_pages move_pages"),
        // libnuma and the libraries above it ask at start whether there is NUMA at all; ENOSYS means no.
        SyscallGroup(
            "@numa-read", .onRequest, .quiet, purpose: "ask for the memory policy: tells about the machine", "get_mempolicy"),
        SyscallGroup(
            "@aio", .onRequest, purpose: "kernel AIO (databases): old surface with many faults in its past",
            "io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents"),
        SyscallGroup("@io-priority", .onRequest, purpose: "change I/O priority: starves neighbours", "ioprio_set"),
        SyscallGroup("@page-gift", .onRequest, purpose: "map own pages into pipes: a means of several kernel exploits", "vmsplice"),
        SyscallGroup(
            "@secret-memory", .onRequest, purpose: "memory that the kernel itself cannot map: hides data from every inspection",
            "memfd_secret"),
        // Newer than most libraries; those that try them go on with the older call.
        SyscallGroup(
            "@futex2", .onRequest, .quiet, purpose: "the newer futex calls (games, emulators); @threads has what libraries need",
            "futex_waitv futex_wake futex_wait futex_requeue"),
        SyscallGroup(
            "@attributes-at", .onRequest, .quiet,
            purpose: "attribute calls of Linux 6.13 and later: same rights as @xattr-read, @xattr-write and ioctl",
            "setxattrat getxattrat listxattrat removexattrat file_getattr file_setattr"),
        SyscallGroup(
            "@page-cache", .onRequest, .quiet, purpose: "page-cache statistics of a file: tells what others have read", "cachestat"),
        SyscallGroup(
            "@shadow-stack", .onRequest, .quiet, purpose: "user shadow stacks; libraries probe for them", "map_shadow_stack"),
        SyscallGroup(
            "@lsm-read", .onRequest, .quiet, purpose: "which security modules run, and own attributes: tells about the host",
            "lsm_get_self_attr lsm_list_modules"),
    ]

    static let forbiddenGroups: [SyscallGroup] = [
        // ENOSYS makes glibc fall back to clone, and every known caller of openat2 to openat.
        SyscallGroup(
            "@hidden-arguments", .never("their flags and modes lie behind a pointer that a filter cannot read"), .quiet,
            purpose: "clone3 can make namespaces and openat2 can create set-id files out of the filter's sight", "clone3 openat2"),
        SyscallGroup(
            "@mount", .never("a tool that can mount can rebuild its view of the host"),
            purpose: "mounts, the root directory, and the mount table",
            """
            mount umount2 pivot_root chroot mount_setattr move_mount open_tree open_tree_attr fsopen fsconfig fsmount fspick
            statmount listmount
            """),
        SyscallGroup(
            "@namespaces", .never("a new user namespace opens privileged kernel code to an attacker"),
            purpose: "make or enter namespaces", "unshare setns"),
        SyscallGroup(
            "@kernel-module", .never("it changes the kernel that confines the tool"),
            purpose: "kernel code", "init_module finit_module delete_module kexec_load kexec_file_load"),
        SyscallGroup("@reboot", .never("it stops the host"), purpose: "restart or halt", "reboot"),
        SyscallGroup(
            "@bpf", .never("it loads programs into the kernel, or counts and traces it"),
            purpose: "eBPF and performance events", "bpf perf_event_open"),
        SyscallGroup(
            "@keyring", .never("the kernel keyring is shared across containers"), purpose: "kernel keys", "keyctl add_key request_key"),
        SyscallGroup(
            "@io-uring", .never("its operations bypass this filter"), purpose: "submission rings",
            "io_uring_setup io_uring_enter io_uring_register"),
        SyscallGroup(
            "@clock-set", .never("time is shared with the host"), purpose: "set or steer clocks",
            "settimeofday clock_settime adjtimex clock_adjtime"),
        SyscallGroup(
            "@raw-io", .never("ports and descriptor tables are hardware"), purpose: "I/O ports, local descriptor table",
            "ioperm iopl modify_ldt"),
        SyscallGroup(
            "@administration", .never("it administers the host"), purpose: "swap, quota, accounting, host name, kernel log, terminals",
            "swapon swapoff quotactl quotactl_fd acct sethostname setdomainname vhangup syslog"),
        SyscallGroup(
            "@file-handles", .never("handles open files without a path, around mounts"), purpose: "files by handle",
            "name_to_handle_at open_by_handle_at"),
        SyscallGroup(
            "@fanotify", .never("marks cover whole file systems, also what is not visible inside"), purpose: "watch mounts",
            "fanotify_init fanotify_mark"),
        SyscallGroup(
            "@fault-handling", .never("it stops the kernel in the middle of a copy, the usual help of race exploits"),
            purpose: "page faults answered by user space", "userfaultfd"),
        SyscallGroup(
            "@lsm-control", .never("it changes the security context"), purpose: "attributes of security modules", "lsm_set_self_attr"),
        SyscallGroup(
            "@obsolete", .never("superseded long ago, and seldom tested"), purpose: "calls without a present-day user",
            "uselib ustat sysfs _sysctl remap_file_pages lookup_dcookie"),
        // Answered as the kernel answers them. The probe trampolines are passed by the kernel before any filter runs.
        SyscallGroup(
            "@unimplemented", .never("the kernel has no such call"), .quiet, purpose: "reserved names without an implementation",
            """
            create_module get_kernel_syms query_module nfsservctl getpmsg putpmsg afs_syscall tuxcall security vserver
            epoll_ctl_old epoll_wait_old set_thread_area get_thread_area uretprobe uprobe
            """),
    ]
}
