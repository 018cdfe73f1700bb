internal import Glibc
internal import LinuxPrimitives

/// A `glovebox serve` of the measurement's own.
struct ServingProcess: Sendable {
    let socket: String
    private let pid: pid_t

    /// Names the server to `glovebox run`, or says `off`.
    static let variable = "GLOVEBOX_SERVER"
    /// For it to answer, nanoseconds.
    private static let patience: UInt64 = 5_000_000_000

    init(_ program: String, _ place: BenchPlace) throws {
        try place.directory("serve", mode: 0o700)
        socket = "\(place.root)/serve/serve.sock"
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for number: Int32 in 0...2 { posix_spawn_file_actions_addopen(&actions, number, "/dev/null", O_RDWR, 0) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        BareLaunch.startWithoutOurSignals(&attributes)
        let words = [program, "serve", "--socket", socket]
        var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        var number: pid_t = 0
        let failed = posix_spawn(&number, program, &actions, &attributes, pointers, environ)
        guard failed == 0 else { throw SystemError(errno: failed, operation: "posix_spawn", object: program) }
        pid = number
        let question = BareLaunch([program, "pool", "--socket", socket])
        let deadline = MonotonicClock.now() + Self.patience
        while true {
            let answer = question.listening()
            if answer.problem == nil { return }
            guard MonotonicClock.now() < deadline else {
                end()
                throw BenchmarkFailure(name: "glovebox serve", command: words.joined(separator: " "), reason: answer.complaint)
            }
            _ = try Polling.wait(-1, for: .readable, deadline: MonotonicClock.now() + 20_000_000)
        }
    }

    func end() {
        kill(pid, SIGTERM)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    }
}
