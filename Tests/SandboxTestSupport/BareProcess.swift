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

    /// Runs to the end; standard input is `/dev/null`. Output beyond 1 MiB is an error.
    package static func run(
        _ arguments: [String], environment: [String] = standardEnvironment, workingDirectory: String? = nil
    ) throws -> Ended {
        var outputPipe = try Pipe.make()
        var errorPipe = try Pipe.make()
        let output = outputPipe.takeFirst()
        let error = errorPipe.takeFirst()
        let toolOutput = outputPipe.takeSecond()
        let toolError = errorPipe.takeSecond()
        let pid = try spawn(
            arguments, environment: environment, workingDirectory: workingDirectory, output: toolOutput.rawValue, error: toolError.rawValue)
        toolOutput.close()
        toolError.close()
        let text = try Transfer.readAll(output.rawValue, limit: 1 << 20)
        let errorText = try Transfer.readAll(error.rawValue, limit: 1 << 20)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 {
            guard errno == EINTR else { throw SystemError(errno: errno, operation: "waitpid") }
        }
        return Ended(
            status: status, output: String(decoding: text, as: UTF8.self), errorOutput: String(decoding: errorText, as: UTF8.self))
    }

    /// Starts a program and gives its pid; the caller waits for it.
    package static func spawn(
        _ arguments: [String], environment: [String] = standardEnvironment, workingDirectory: String? = nil, output: Int32, error: Int32
    ) throws -> Int32 {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, error, 2)
        // The Glibc module does not show posix_spawn_file_actions_addchdir_np.
        let arguments = workingDirectory.map { ["/usr/bin/env", "-C", $0] + arguments } ?? arguments
        let argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        let envp: [UnsafeMutablePointer<CChar>?] = environment.map { strdup($0) } + [nil]
        defer { for word in argv + envp { free(word) } }
        var pid: Int32 = 0
        let failed = posix_spawn(&pid, arguments[0], &actions, nil, argv, envp)
        guard failed == 0 else { throw SystemError(errno: failed, operation: "posix_spawn", object: arguments[0]) }
        return pid
    }
}
