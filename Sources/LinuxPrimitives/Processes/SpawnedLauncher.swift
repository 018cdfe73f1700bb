internal import CLinuxShims
internal import Glibc

/// Starts a helper program with nothing but one descriptor.
package enum SpawnedLauncher {
    /// Runs `path` with the given argv (first word included), 0 and 1 on /dev/null, 2 shared with us, `inherited` as
    /// descriptor 3 and no other, an empty environment, no signal blocked and every disposition at its default (but 32 and 33,
    /// the C library's own, which it may leave ignored).
    ///
    /// The process must not ignore SIGCHLD nor reap children it did not start: the number could be taken before we hold it.
    package static func start(path: String, arguments: [String], inheriting inherited: Int32) throws(SystemError) -> ProcessHandle {
        try spawn(path, arguments) { argv, pid in gbx_spawn(path, argv, inherited, &pid) }
    }

    /// Runs a program of the system that answers on its output: `output` as 1, 0 and 2 on /dev/null, an empty environment.
    package static func ask(path: String, arguments: [String], output: Int32) throws(SystemError) -> ProcessHandle {
        try spawn(path, arguments) { argv, pid in gbx_spawn_asking(path, argv, output, &pid) }
    }

    private static func spawn(
        _ path: String, _ arguments: [String],
        _ start: (UnsafePointer<UnsafeMutablePointer<CChar>?>, inout Int32) -> Int32
    ) throws(SystemError) -> ProcessHandle {
        for word in [path] + arguments where word.utf8.contains(0) {
            throw SystemError(errno: EINVAL, operation: "posix_spawn", object: "a word with a NUL byte")
        }
        var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        argv.append(nil)
        defer { for word in argv { free(word) } }
        var pid: Int32 = 0
        _ = try checked(start(&argv, &pid), "posix_spawn", path)
        do {
            return try ProcessHandle(pid: pid)
        } catch {
            // Without a pidfd we could not supervise it.
            _ = Glibc.kill(pid, SIGKILL)
            while waitpid(pid, nil, 0) < 0 && Glibc.errno == EINTR {}
            throw error
        }
    }
}
