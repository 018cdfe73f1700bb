internal import ArgumentParser
internal import Benchmarking
internal import CommandOutput
internal import Glibc
internal import LinuxPrimitives
internal import StrictJSON

struct BenchMCPCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "mcp", abstract: "What `glovebox mcp run` adds to a call, and what it leaves of the throughput.",
        discussion: """
            Runs one server twice, bare and behind `glovebox mcp run`, and asks both in turn. A `ping` merely passes; a `call` is decided and \
            recorded, before and after. Rows with `added` are what relaying adds to a round trip; rows with `pipelined` are the time of one \
            message when many are under way, and their ratio is the part of the bare throughput that is left.

            Without a command a server of this program's own is measured: it reads each message and answers at once. `--json` has \
            `schema: glovebox.bench/1`.

            \(BenchOptions.exitCodes)
            """)

    @Option(help: ArgumentHelp("Round trips of each kind.", valueName: "count")) var calls = 5_000
    @Option(help: ArgumentHelp("Messages that are sent without waiting, of which a fifth are calls.", valueName: "count"))
    var messages = 100_000
    @Option(help: ArgumentHelp("Rounds of those.", valueName: "count")) var rounds = 5
    @Option(help: ArgumentHelp("The tool of the server that is called, with {\"text\":\"hello\"}.", valueName: "name")) var tool = "echo"
    @Option(help: ArgumentHelp("The policy of the sandbox.", valueName: "policy")) var policy = "workspace"
    @Option(help: ArgumentHelp("Allow a resource of the sandbox.", valueName: "resource=right,…")) var allow: [String] = []
    @Flag(help: "Print JSON, with a versioned `schema`.") var json = false
    @Argument(parsing: .postTerminator, help: ArgumentHelp("Another server's command, after `--`.", valueName: "command"))
    var command: [String] = []

    /// What issue and documentation promise.
    static let addedMicroseconds = 150.0
    static let throughputPart = 0.7
    /// Requests that are open at a time.
    private static let window = 512

    func validate() throws {
        guard (100...1_000_000).contains(calls), (1000...10_000_000).contains(messages), (1...100).contains(rounds) else {
            throw ValidationError("--calls takes 100 to 1000000, --messages 1000 to 10000000, --rounds 1 to 100")
        }
    }

    func perform(_ interruption: Interruption) async throws -> Int32 {
        let result: Result<Int32, any Error> = await withCheckedContinuation { continuation in
            let isStarted = DetachedThread.start {
                do { continuation.resume(returning: .success(try measure(interruption))) } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            if !isStarted { continuation.resume(returning: .failure(SystemError(errno: EAGAIN, operation: "pthread_create"))) }
        }
        return try result.get()
    }

    private func measure(_ interruption: Interruption) throws -> Int32 {
        let watch = MachineWatch()
        let place = try BenchPlace()
        defer { place.remove() }
        guard let program = try? ownProgram() else { throw CommandFailure.failed("/proc/self/exe cannot be read; mount /proc") }
        let isOwn = command.isEmpty
        let server = isOwn ? [program, "bench", "echo-server"] : command
        var sealing = [program, "mcp", "run", "--policy", policy, "--name", "bench", "--store", place.store]
        if isOwn {
            sealing += ["--workspace", place.workspace, "--allow", "filesystem:host:\(program)=read,execute"]
            sealing += ["--allow", "process:*=read"] // a Swift program finds its words in /proc
        }
        for word in allow { sealing += ["--allow", word] }
        let bare = try BenchedServer("the bare server", server)
        defer { bare.end() }
        let relayed = try BenchedServer("the relayed server", sealing + ["--"] + server)
        defer { relayed.end() }
        var run = BenchMCPRun(bare: bare, relayed: relayed, tool: tool) {
            if interruption.isRaised { throw CommandFailure.failed("stopped before everything was measured") }
        }
        try run.begin()
        try run.latency("ping", calls) { run, id in run.ping(id) }
        try run.latency("call", calls) { run, id in run.call(id) }
        try run.throughput("ping", messages, rounds: rounds, window: Self.window) { run, id in run.ping(id) }
        try run.throughput("call", messages / 5, rounds: rounds, window: Self.window) { run, id in run.call(id) }
        run.look(at: watch)
        show(run, server: isOwn ? "echo-server of this program" : command.joined(separator: " "))
        return run.noise.isQuiet ? ExitStatus.success : ExitStatus.noisy
    }

    private func ownProgram() throws -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard length > 0 else { throw SystemError(errno: errno, operation: "readlink") }
        return String(decoding: buffer[..<length].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    // MARK: - The answer

    private func show(_ run: BenchMCPRun, server: String) {
        let bounds = [
            ("call added", "median_us", run.value("call added")?.median, Self.addedMicroseconds, true),
            ("ping pipelined, relayed", "ratio", run.value("ping pipelined, relayed")?.ratio, Self.throughputPart, false),
        ]
        if json {
            Document.print(
                "bench/1",
                [
                    JSONMember("subject", .string("mcp")), JSONMember("server", .string(server)),
                ] + run.noise.members + [
                    JSONMember("cases", .array(run.cases.map(\.json))),
                    JSONMember(
                        "bounds",
                        .array(
                            bounds.map { name, figure, value, bound, isMost in
                                .object([
                                    "name": .string(name), "figure": .string(figure), isMost ? "at_most" : "at_least": .double(bound),
                                    "measured": value.map { .double(BenchCase.rounded($0)) } ?? .null,
                                    "holds": .bool(value.map { isMost ? $0 <= bound : $0 >= bound } ?? false),
                                ])
                            })),
                ])
            return
        }
        Console.print("server: \(SafeText.line(server)); microseconds of one message")
        var table = TextTable(BenchCase.head)
        for item in run.cases { table.add(item.cells) }
        table.print()
        for (name, figure, value, bound, isMost) in bounds {
            guard let value else { continue }
            let holds = isMost ? value <= bound : value >= bound
            Console.print(
                "\(name): \(figure) \(BenchCase.text(value)), \(isMost ? "at most" : "at least") \(BenchCase.text(bound)) wanted: "
                    + (holds ? "holds" : "does not hold"))
        }
        BenchText.printNoise(run.noise, .of(1))
    }
}
