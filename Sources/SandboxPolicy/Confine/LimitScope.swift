extension LimitName {
    /// What the number counts, and for whom.
    func scope(in confinement: Confinement) -> String {
        let limits = confinement.limits
        return switch self {
        case .wall: "time from start to end, of the whole run"
        case .cpu: "processor time, of all processes together"
        case .memory: "memory, of all processes together"
        case .pids:
            confinement.maySpawn ? "processes and threads at once, all together" : "threads at once; there is only one process"
        case .output: "written to standard output, and as much again to standard error"
        case .openFiles: "open files, of each process"
        case .file: "size of any one file" + (limits.fileBytes > limits.tmpBytes ? "; less in /tmp, by the limit tmp" : "")
        case .disk:
            confinement.writesAnything
                ? "written to disk and not deleted, by all processes together; /tmp is memory and does not count"
                : "written to disk: nothing here, no row lets it; /tmp is memory and does not count"
        case .created:
            "names made and still there (files, directories, links), of the whole run"
                + (confinement.waived.contains(.notifications) ? "" : "; those in /tmp count")
        case .tmp: "size of /tmp, and again of /dev/shm"
        }
    }

    /// What keeps it.
    var keeper: String {
        switch self {
        case .wall: "the supervisor's clock"
        case .cpu: "RLIMIT_CPU in each process, a sample for all"
        case .memory: "cgroup; without one RLIMIT_DATA in each process, a sample for all"
        case .pids: "cgroup and RLIMIT_NPROC"
        case .output: "the supervisor, which passes it on"
        case .openFiles: "RLIMIT_NOFILE"
        case .file: "RLIMIT_FSIZE"
        case .disk: "samples of what the kernel counts"
        case .created: "the supervisor, which makes the names"
        case .tmp: "the size of the tmpfs"
        }
    }
}
