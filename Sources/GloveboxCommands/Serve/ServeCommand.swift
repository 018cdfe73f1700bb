internal import ArgumentParser
internal import CommandOutput
internal import Glibc
internal import Glovebox
internal import LinuxPrimitives
internal import SandboxLauncher
internal import SandboxPolicy

/// `glovebox serve`: sandboxes that stand ready for `glovebox run`.
struct ServeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Keep sandboxes ready, so that `glovebox run` starts sooner.",
        discussion: """
            Runs in the foreground until SIGTERM or SIGINT, which also end what it runs. Each `glovebox run` of the same user finds it \
            by itself; with --no-server, GLOVEBOX_SERVER=off or a terminal on standard input a run goes without.

            The socket is /run/glovebox/serve.sock of root and $XDG_RUNTIME_DIR/glovebox/serve.sock of others (/run/user/UID without \
            the variable). For another one clients are told GLOVEBOX_SERVER=PATH.
            """)

    @Option(help: ArgumentHelp("Listen there; the directory must be yours alone (0700).", valueName: "path"), completion: .file())
    var socket: String?

    @OptionGroup var pool: PoolOptions

    func run() throws {
        try Server.run(socket: socket, settings: try pool.settings())
    }
}

/// How many sandboxes wait, and how long.
struct PoolOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Sandboxes kept ready for each kind of call: policy, workspace, limits.", valueName: "n"))
    var perKind: Int = SandboxPoolSettings().perKind

    @Option(help: ArgumentHelp("Sandboxes kept ready in all.", valueName: "n"))
    var total: Int = SandboxPoolSettings().total

    @Option(help: ArgumentHelp("A kind that nobody asked for so long is given up.", valueName: "duration"))
    var idle: String = Quantity.durationText(SandboxPoolSettings().idleMilliseconds)

    @Option(help: ArgumentHelp("Memory that all waiting sandboxes may hold.", valueName: "size"))
    var memory: String = Quantity.sizeText(SandboxPoolSettings().memoryBytes)

    @Option(help: ArgumentHelp("Calls of a kind before the first sandbox of it is kept ready.", valueName: "n"))
    var after: Int = Int(SandboxPoolSettings().callsBefore)

    func settings() throws(CommandFailure) -> SandboxPoolSettings {
        func number(_ value: Int, _ name: String, most: Int, least: Int = 0) throws(CommandFailure) -> Int {
            guard (least...most).contains(value) else { throw .usage("\(name) \(value) is not between \(least) and \(most)") }
            return value
        }
        var settings = SandboxPoolSettings()
        settings.perKind = try number(perKind, "--per-kind", most: 64)
        settings.total = try number(total, "--total", most: 256)
        settings.callsBefore = UInt64(try number(after, "--after", most: 1_000_000, least: 1))
        do throws(Quantity.Problem) {
            settings.idleMilliseconds = try Quantity.milliseconds(idle)
        } catch {
            throw .usage("--idle: \(error.message); \(error.mend)")
        }
        do throws(Quantity.Problem) {
            settings.memoryBytes = try Quantity.bytes(memory)
        } catch {
            throw .usage("--memory: \(error.message); \(error.mend)")
        }
        return settings
    }
}

/// The life of a server process.
enum Server {
    /// For running calls to be killed and their clients told, milliseconds.
    private static let endPatience: UInt64 = 5_000

    static func run(socket path: String?, settings: SandboxPoolSettings) throws(CommandFailure) {
        StandardDescriptors.fill()
        _ = umask(0o077)
        signal(SIGPIPE, SIG_IGN) // a client that is gone must not end the others
        guard getuid() == geteuid(), getgid() == getegid() else {
            throw .failed("real and effective user differ; start it as the user whose runs it is for")
        }
        let socket = try self.socket(path)
        defer { socket.remove() }
        let standing = try ownStanding()
        // Before any thread: they inherit the mask.
        guard let signals = try? SignalDescriptor.open([SIGINT, SIGTERM, SIGHUP, SIGQUIT]) else {
            throw .failed("no descriptor is left; raise the limit on open files (ulimit -n)")
        }
        // What this process holds must not hold a file system; the launcher starts from here.
        _ = chdir("/")
        let supervisor: SandboxSupervisor
        let server: RunServer
        do {
            supervisor = try SandboxSupervisor(prestarts: true, pool: settings)
            server = try RunServer(
                supervisor: supervisor, settings: settings, policies: PolicyCache(.standard()), standing: standing,
                build: BuildMark.ofThisProgram)
        } catch {
            throw .failed("\(error)")
        }
        guard server.listen(on: socket.listener.rawValue) else {
            throw .failed("no thread is left; raise the limit on processes (ulimit -u)")
        }
        Console.note("glovebox: serving at \(SafeText.line(socket.place.path))")
        _ = try? Polling.wait(signals.rawValue, for: .readable, deadline: nil)
        _ = SignalDescriptor.take(signals.rawValue)
        socket.remove()
        server.end(milliseconds: endPatience)
        supervisor.shutDown()
        // Threads that wait for clients are left to the end of the process.
        _ = Unmanaged.passRetained(server)
    }

    private static func socket(_ path: String?) throws(CommandFailure) -> ServerSocket {
        if let activated = try ServerSocket.activated() {
            if path != nil { throw .usage("--socket says one place and systemd passed another; leave --socket out") }
            return activated
        }
        if let path {
            guard let place = ServerPlace(path: absolute(path)) else { throw .usage("--socket \(path) names no file") }
            return try ServerSocket.open(place)
        }
        switch ServerPlace.choiceOfThisProcess() {
        case .place(let place): return try ServerSocket.open(place)
        case .off: throw .usage("\(ServerPlace.variable) is `off`, so no run would find this server; unset it, or use --socket PATH")
        case .notUnderstood(let value):
            throw .usage("\(ServerPlace.variable) is neither `off` nor the absolute path of a socket: \(value)")
        }
    }

    private static func absolute(_ path: String) -> String {
        guard !path.hasPrefix("/"), let here = try? PathResolution.canonicalPath(".") else { return path }
        return (here == "/" ? "/" : here + "/") + path
    }

    private static func ownStanding() throws(CommandFailure) -> ProcessStanding {
        let standing: ProcessStanding
        do {
            standing = try ProcessStanding.ofThisProcess()
        } catch {
            throw .failed("where this process stands cannot be told, so no client could be compared with it: \(error)")
        }
        if let obstacle = standing.obstacleForServing {
            throw .failed("\(obstacle); start the server outside of that, or do without one")
        }
        guard !BuildMark.ofThisProgram.isEmpty else { throw .failed("this program cannot tell its own build; build it with `make build`") }
        do throws(SystemError) {
            var pair = try SocketPair.sequencedPacket()
            let one = pair.takeFirst()
            _ = try ProcessHandle.peer(ofSocket: one.rawValue)
        } catch {
            throw .failed("this kernel does not say safely who a client is (\(error.symbol)); Linux 6.5 or newer is needed")
        }
        return standing
    }
}
