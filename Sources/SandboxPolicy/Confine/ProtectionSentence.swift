extension Protection {
    /// The protection for somebody who does not know its name.
    var sentence: String {
        switch self {
        case .userNamespace: "user ids of its own, never the host's root"
        case .mountNamespace: "its own tree of files"
        case .pidNamespace: "sees no process outside"
        case .networkNamespace: "no network of the host"
        case .ipcNamespace: "no memory or message queue shared with others"
        case .utsNamespace: "its own host name"
        case .cgroupNamespace: "sees no resource group of the host"
        case .timeNamespace: "its own time since boot"
        case .capabilities: "none of root's powers (Linux capabilities)"
        case .noNewPrivileges: "starting a program gains no powers (sudo)"
        case .landlock: "the kernel checks each use of a file against the rows above"
        case .seccomp: "the kernel refuses all system calls but the listed"
        case .notifications: "refused calls are recorded; new files are made by Glovebox for it"
        case .limits: "the limits above"
        case .cgroup: "all processes counted together, in a cgroup or else by samples"
        case .descriptors: "no open file but its standard streams"
        case .environment: "no variable but those above and the caller's --env"
        case .terminal: "no terminal of the caller's; with -t one of its own"
        }
    }
}
