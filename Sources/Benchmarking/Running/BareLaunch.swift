package import Glibc
package import LinuxPrimitives

/// An open file that programs are started with.
package final class InheritedFile: Sendable {
    private let owned: OwnedDescriptor
    var rawValue: Int32 { owned.rawValue }
    package init(_ owned: consuming OwnedDescriptor) { self.owned = owned }
}

/// posix_spawn and wait from this process: what every case is compared with, and how whole commands are started.
package struct BareLaunch: Sendable {
    private let arguments: [String]
    /// A descriptor that the program finds as number 9 (a compiled filter for bwrap).
    private let extra: InheritedFile?
    /// Variables over those of this program.
    private let variables: [String: String]

    /// - Parameter arguments: the first one is a path.
    package init(_ arguments: [String], extra: InheritedFile? = nil, variables: [String: String] = [:]) {
        self.arguments = arguments
        self.extra = extra
        self.variables = variables
    }

    /// What a program said and how it ended.
    package struct Ended: Sendable {
        /// Nil when it exited with 0, else what happened.
        package var problem: String?
        package var output: String
        /// The last line of its standard error.
        package var complaint: String
    }

    /// Runs the program once with /dev/null on 0, 1 and 2. Nil when it exited with 0, else what happened.
    package func callAsFunction() -> String? { spawn(output: nil, errors: nil) }

    /// The same, with what it said.
    package func listening() -> Ended {
        do throws(SystemError) {
            let output = try MemoryFile.make(name: "output", bytes: [], sealed: false)
            let errors = try MemoryFile.make(name: "errors", bytes: [], sealed: false)
            let problem = spawn(output: output.rawValue, errors: errors.rawValue)
            let complaint = Self.text(errors).split(separator: "\n").last { !$0.isEmpty }
            return Ended(problem: problem, output: Self.text(output), complaint: complaint.map(String.init) ?? "")
        } catch {
            return Ended(problem: "\(error)", output: "", complaint: "")
        }
    }

    private static func text(_ file: borrowing OwnedDescriptor) -> String {
        lseek(file.rawValue, 0, SEEK_SET)
        return String(decoding: (try? Transfer.readAll(file.rawValue, limit: 1 << 20)) ?? [], as: UTF8.self)
    }

    private func spawn(output: Int32?, errors: Int32?) -> String? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for (number, file) in [(Int32(0), nil), (1, output), (2, errors)] {
            if let file {
                posix_spawn_file_actions_adddup2(&actions, file, number)
            } else {
                posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0)
            }
        }
        if let extra {
            lseek(extra.rawValue, 0, SEEK_SET) // a filter passed by descriptor is read from its shared offset
            posix_spawn_file_actions_adddup2(&actions, extra.rawValue, 9)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        Self.startWithoutOurSignals(&attributes)
        var pointers: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        var (pid, failed): (pid_t, Int32) = (0, 0)
        if variables.isEmpty {
            failed = posix_spawn(&pid, arguments[0], &actions, &attributes, pointers, environ)
        } else {
            var words: [UnsafeMutablePointer<CChar>?] = environmentWords().map { strdup($0) }
            words.append(nil)
            defer { for word in words { free(word) } }
            failed = posix_spawn(&pid, arguments[0], &actions, &attributes, pointers, words)
        }
        guard failed == 0 else { return "\(SystemError(errno: failed, operation: "posix_spawn", object: arguments[0]))" }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 {
            guard errno == EINTR else { return "\(SystemError(errno: errno, operation: "waitpid"))" }
        }
        if status == 0 { return nil }
        return status & 0x7F == 0 ? "exit status \(status >> 8 & 0xFF)" : "signal \(status & 0x7F)"
    }

    private func environmentWords() -> [String] {
        var words: [String] = []
        var place = environ
        while let word = place.pointee {
            let text = String(cString: word)
            if variables[String(text.prefix { $0 != "=" })] == nil { words.append(text) }
            place += 1
        }
        return words + variables.map { "\($0.key)=\($0.value)" }.sorted()
    }

    /// This program waits for its signals elsewhere and ignores one of them; another starts with none of that.
    package static func startWithoutOurSignals(_ attributes: inout posix_spawnattr_t) {
        var (none, pipe) = (sigset_t(), sigset_t())
        sigemptyset(&none)
        sigemptyset(&pipe)
        sigaddset(&pipe, SIGPIPE)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &pipe)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    }
}
