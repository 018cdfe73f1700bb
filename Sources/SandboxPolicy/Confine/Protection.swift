/// One row of the receipt: a protection that a run has, has in part, or lacks because the policy waives it by name.
package enum Protection: String, Sendable, CaseIterable, Comparable {
    case userNamespace = "user-namespace"
    case mountNamespace = "mount-namespace"
    case pidNamespace = "pid-namespace"
    case networkNamespace = "network-namespace"
    case ipcNamespace = "ipc-namespace"
    case utsNamespace = "uts-namespace"
    case cgroupNamespace = "cgroup-namespace"
    case timeNamespace = "time-namespace"
    case capabilities
    case noNewPrivileges = "no-new-privileges"
    case landlock
    case seccomp
    case notifications
    case limits
    case cgroup
    case descriptors
    case environment
    case terminal

    package static func < (a: Protection, b: Protection) -> Bool {
        allCases.prefix { $0 != b }.contains(a)
    }

    /// Whether `waive:` may name it. The others are the ground that every run stands on.
    package var isWaivable: Bool {
        switch self {
        case .timeNamespace, .cgroupNamespace, .landlock, .seccomp, .notifications, .cgroup: true
        default: false
        }
    }
}
