/// The part of every sandbox's root that no policy names: the directories, a minimal /dev and /etc, fresh /proc and /tmp.
enum RootSkeleton {
    static let deviceLinks = [
        ("/dev/fd", "/proc/self/fd"), ("/dev/stdin", "/proc/self/fd/0"), ("/dev/stdout", "/proc/self/fd/1"),
        ("/dev/stderr", "/proc/self/fd/2"),
    ]

    /// Kernel state that tells of the host, and that the kernel lets everybody read (the OCI list and more). What only the host's
    /// root may open (kcore, kmsg, kpagecount, timer_list, sysrq-trigger …) needs no cover: the tool is never that root.
    /// What a kernel does not have is skipped.
    static let maskedProc = [
        "buddyinfo", "cgroups", "cmdline", "config.gz", "consoles", "crypto", "devices", "diskstats", "dma", "execdomains", "interrupts",
        "iomem", "ioports", "kallsyms", "key-users", "keys", "latency_stats", "locks", "misc", "modules", "mtrr", "pagetypeinfo",
        "partitions",
        "sched_debug", "softirqs", "swaps", "timer_stats", "zoneinfo",
    ]

    static let maskedProcDirectories = ["acpi", "asound", "bus", "driver", "fs", "irq", "scsi", "sysvipc", "tty"]

    /// Facts about the machine that programs ask for and that tell nothing of other users.
    static let readableProc = ["cpuinfo", "filesystems", "loadavg", "meminfo", "stat", "sys", "uptime", "version", "vmstat"]

    /// Files whose absence makes libraries look for them thousands of times (performance.md, traps met), and the identity that
    /// the tool sees.
    static func etc(innerID: UInt32, hosts: String) -> [(path: String, text: String)] {
        [
            (
                "/etc/passwd",
                "root:x:0:0:root:/nonexistent:/usr/sbin/nologin\ntool:x:\(innerID):\(innerID)::/tmp:/bin/sh\n"
                    + "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
            ),
            ("/etc/group", "root:x:0:\ntool:x:\(innerID):\nnogroup:x:65534:\n"),
            ("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n" + hosts),
            ("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
            ("/etc/resolv.conf", ""),
        ]
    }
}
