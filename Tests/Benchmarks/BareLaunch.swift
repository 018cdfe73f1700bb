internal import CLinuxShims
internal import Glibc
internal import LinuxPrimitives

/// posix_spawn and wait from this process: what every case is compared with.
struct BareLaunch {
    private let arguments: [String]
    /// A descriptor that the program finds as number 9 (a compiled filter for bwrap), or -1.
    private let extra: Int32

    init(_ arguments: [String], extra: Int32 = -1) {
        self.arguments = arguments
        self.extra = extra
    }

    /// Runs the program once with /dev/null on 0, 1 and 2. Nil when it exited with 0, else what happened.
    func callAsFunction() -> String? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for number: Int32 in 0...2 { posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0) }
        if extra >= 0 {
            lseek(extra, 0, SEEK_SET) // a filter passed by descriptor is read from its shared offset
            posix_spawn_file_actions_adddup2(&actions, extra, 9)
        }
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        var pid: pid_t = 0
        let failed = posix_spawn(&pid, arguments[0], &actions, nil, pointers, environ)
        guard failed == 0 else { return "\(SystemError(errno: failed, operation: "posix_spawn", object: arguments[0]))" }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 {
            guard errno == EINTR else { return "\(SystemError(errno: errno, operation: "waitpid"))" }
        }
        if status == 0 { return nil }
        return status & 0x7F == 0 ? "exit status \(status >> 8 & 0xFF)" : "signal \(status & 0x7F)"
    }
}
