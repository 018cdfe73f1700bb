internal import Glibc
internal import LinuxPrimitives

/// A program run without any sandbox: the positive control of every enforcement test.
package enum BareProcess {
    package struct Ended: Sendable {
        package let status: Int32
        package let output: String
        package let errorOutput: String
        /// Exit status, or 128 + the signal.
        package var code: Int32 { status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F }
        package var answer: ProbeAnswer { ProbeAnswer(output) }
    }

    package static let standardEnvironment = ["PATH=/usr/bin:/bin"] + Products.environment.map { "\($0.key)=\($0.value)" }

    /// Runs to the end; standard input is `/dev/null`. Output beyond 1 MiB is an error, and so is a program that neither ends
    /// nor closes its output within `seconds`. However it goes, nothing of the program's process group is left.
    package static func run(
        _ arguments: [String], environment: [String] = standardEnvironment, workingDirectory: String? = nil, seconds: UInt64 = 30
    ) throws -> Ended {
        let deadline = MonotonicClock.now() + seconds * 1_000_000_000
        var outputPipe = try Pipe.make()
        var errorPipe = try Pipe.make()
        let output = outputPipe.takeFirst()
        let error = errorPipe.takeFirst()
        let toolOutput = outputPipe.takeSecond()
        let toolError = errorPipe.takeSecond()
        let pid = try spawn(
            arguments, environment: environment, workingDirectory: workingDirectory, output: toolOutput.rawValue, error: toolError.rawValue)
        let texts: ([UInt8], [UInt8])
        do {
            toolOutput.close()
            toolError.close()
            texts = try readBoth(output.rawValue, error.rawValue, deadline: deadline)
            let process = try ProcessHandle(pid: pid)
            guard try Polling.wait(process.rawValue, for: .readable, deadline: deadline) else { throw Self.timeout }
        } catch {
            _ = try? end(pid)
            throw error
        }
        return Ended(
            status: try end(pid), output: String(decoding: texts.0, as: UTF8.self), errorOutput: String(decoding: texts.1, as: UTF8.self))
    }

    private static let timeout = SystemError(errno: ETIMEDOUT, operation: "wait", object: "a test program's end")

    /// Kills the process group of a child that is not waited for yet, so that the number is still its own, and waits for it. The
    /// status of one that had ended before is as it was.
    @discardableResult
    package static func end(_ pid: Int32) throws -> Int32 {
        kill(-pid, SIGKILL)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 {
            guard errno == EINTR else { throw SystemError(errno: errno, operation: "waitpid") }
        }
        return status
    }

    /// Both streams to their ends, whichever has something: a program that fills one while the other is awaited would never end.
    private static func readBoth(_ first: Int32, _ second: Int32, deadline: UInt64) throws -> ([UInt8], [UInt8]) {
        let limit = 1 << 20
        var entries = [pollfd(fd: first, events: Int16(POLLIN), revents: 0), pollfd(fd: second, events: Int16(POLLIN), revents: 0)]
        var texts: [[UInt8]] = [[], []]
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while entries.contains(where: { $0.fd >= 0 }) {
            guard try Polling.wait(&entries, deadline: deadline) > 0 else { throw Self.timeout }
            for index in entries.indices where entries[index].fd >= 0 && entries[index].revents != 0 {
                let descriptor = entries[index].fd
                let count = try buffer.withUnsafeMutableBytes { try Transfer.read(descriptor, into: $0) }
                // A negative number is left out by poll.
                if count == 0 { entries[index].fd = -1 }
                texts[index] += buffer[..<count]
                guard texts[index].count <= limit else {
                    throw SystemError(errno: EFBIG, operation: "read", object: "a test program's output")
                }
            }
        }
        return (texts[0], texts[1])
    }

    /// Starts a program, the first of a process group of its own, and gives its pid; the caller ends it with `end`.
    package static func spawn(
        _ arguments: [String], environment: [String] = standardEnvironment, workingDirectory: String? = nil, output: Int32, error: Int32
    ) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, error, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF))
        posix_spawnattr_setpgroup(&attributes, 0)
        // Whoever runs the tests in the background or with nohup has some of them ignored, and so would the program.
        var signals = sigset_t()
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        // The Glibc module does not show posix_spawn_file_actions_addchdir_np.
        let arguments = workingDirectory.map { ["/usr/bin/env", "-C", $0] + arguments } ?? arguments
        let argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        let envp: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
        defer { for word in argv + envp { free(word) } }
        var pid: Int32 = 0
        let failed = posix_spawn(&pid, arguments[0], &actions, &attributes, argv, envp)
        guard failed == 0 else { throw SystemError(errno: failed, operation: "posix_spawn", object: arguments[0]) }
        return pid
    }
}
