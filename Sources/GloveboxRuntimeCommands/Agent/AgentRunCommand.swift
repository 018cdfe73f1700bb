internal import AgentRuntime
internal import ArgumentParser
internal import CommandOutput
internal import LLMExecutor
internal import LibOSModel
internal import MCPRelay
internal import SandboxLauncher
internal import StrictJSON

struct AgentRunCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run agents until nothing can go on: everything has ended or waits.",
        discussion: """
            On a terminal you are asked as questions come. Elsewhere the run ends when everything waits; `glovebox human list` shows \
            the questions, and the next run goes on with the very actions that waited.

            A model chooses the actions, or a script does: --model and --model-url, or --script. The model's key comes from a file \
            or from GLOVEBOX_MODEL_KEY; OPENAI_MODEL, OPENAI_BASE_URL and OPENAI_API_KEY are understood too.

            glovebox agent run --model qwen3 --model-url http://127.0.0.1:8080/v1

            Exit codes: 0 all have ended well; 1 one failed; 3 one has not ended: it needs more quanta, a message or `agent signal`; 125 \
            somebody has to answer and nobody did, or it could not run.
            """)

    @Argument(help: ArgumentHelp("Processes to run; all that can when none is named.", valueName: "pid")) var pids: [String] = []
    @Option(help: "Actions at most, of all processes together; a tool that waits for another agent may get that one a few more.")
    var maxQuanta = 100
    @Flag(inversion: .prefixedNo, help: "Ask on the terminal. Without either: when standard input is one.") var interactive: Bool?
    @Flag(name: .shortAndLong, help: "No account of the steps on standard error.") var quiet = false
    @OptionGroup var script: ScriptOptions
    @OptionGroup(title: "Model") var model: ModelOptions
    @OptionGroup var manifests: ToolOptions
    @OptionGroup var options: StoreOptions

    func validate() throws {
        if maxQuanta < 1 { throw ValidationError("--max-quanta \(maxQuanta) runs nothing; give 1 or more") }
        if script.script != nil, model.isGiven { throw ValidationError("--script and --model exclude each other: one of them chooses") }
    }

    func perform(_ interruption: Interruption) async throws -> Int32 {
        let only = try pids.map { word throws(CommandFailure) in try ProcessID.typed(word) }
        let source = try ActionSource(script, model, workspace: try options.place().workspace)
        return try await RuntimeSession.with(options, tools: manifests) { session in
            for id in only {
                _ = try await session.store.read { store throws(LibOSError) in try store.existingProcess(id) }
            }
            return try await source.with(session.store) { client in try await run(only, client, session, interruption) }
        }
    }

    private func run(
        _ only: [ProcessID], _ client: any ModelClient, _ session: RuntimeSession, _ interruption: Interruption
    ) async throws -> Int32 {
        let report = try await session.withTools { broker in
            let executor = QuantumExecutor(runtime: session.runtime, tools: broker, client: client)
            let narrator = Narrator(base: executor, store: session.store, isQuiet: quiet || options.json, isForPrograms: options.json)
            let scheduler = Scheduler(runtime: session.runtime, runner: narrator)
            let asks = try TerminalPrompt.open(isWanted: interactive, interruption)
            return try await scheduler.runUntilIdle(
                maxQuanta: maxQuanta, only: only.isEmpty ? nil : Set(only), humans: asks.map { TerminalResponder(prompt: $0) })
        }
        return try await conclude(report, only, session)
    }

    private struct End: Sendable {
        var processes: [AgentProcess]
        var requests: [HumanRequest]
    }

    private func conclude(_ report: SchedulerReport, _ only: [ProcessID], _ session: RuntimeSession) async throws -> Int32 {
        let touched = Set(report.results.map(\.process)).union(only)
        let end = try await session.store.read { store throws(LibOSError) in
            // Sessions of MCP servers are processes that nobody runs.
            let processes = try store.processes(status: nil).filter {
                touched.contains($0.id) || !$0.status.isTerminal && $0.image != SessionProcess.image.id
            }
            return End(processes: processes, requests: try store.humanRequests(status: .pending, process: nil))
        }
        if options.json {
            Document.print(
                "run_agents/1",
                [
                    JSONMember("stop", .string(report.stop.rawValue)), JSONMember("quanta", .int(Int64(report.charged))),
                    JSONMember("unblock_quanta", .int(Int64(report.unblocking))),
                    JSONMember("processes", .array(end.processes.map { .object($0.members) })),
                    JSONMember("requests", .array(end.requests.map(\.json))),
                    JSONMember("unfinished", .strings(report.unfinished.map(\.text))),
                ])
        } else {
            summarize(report, end)
        }
        return Self.exitCode(report, end.processes.filter { only.isEmpty || only.contains($0.id) })
    }

    private func summarize(_ report: SchedulerReport, _ end: End) {
        if end.processes.isEmpty { return Console.note("glovebox: nothing to run; `glovebox agent spawn` makes an agent") }
        for process in end.processes {
            let standing = process.standing.isEmpty ? "" : "  \(process.standing)"
            Console.print(SafeText.line("\(process.id)  \(process.status.rawValue)\(standing)"))
        }
        for request in end.requests { Console.note("glovebox: decide with: \(HumanRequestText.command(for: request))") }
        if report.stop == .quanta { Console.note("glovebox: all \(maxQuanta) quanta are used; run again, or give more with --max-quanta") }
    }

    static func exitCode(_ report: SchedulerReport, _ processes: [AgentProcess]) -> Int32 {
        if report.stop == .cancelled { return ExitStatus.failure }
        if processes.contains(where: { $0.status == .failed || $0.status == .killed }) { return ExitStatus.negative }
        if processes.contains(where: { $0.status == .waitingHuman }) { return ExitStatus.failure }
        return processes.allSatisfy { $0.status.isTerminal } ? ExitStatus.success : ExitStatus.unfinished
    }
}
