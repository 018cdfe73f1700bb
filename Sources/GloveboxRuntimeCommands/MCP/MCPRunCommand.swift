internal import ArgumentParser
internal import CapabilityBroker
internal import CapabilityLanguage
internal import CommandOutput
internal import Glibc
internal import Glovebox
internal import LibOSModel
internal import LinuxPrimitives
internal import MCPClients
internal import MCPRelay
internal import SandboxLauncher
internal import SandboxPolicy
internal import StrictJSON

struct MCPRunCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Run an MCP server of standard input and output in one sandbox, and decide each of its calls.",
        discussion: """
            What the client and the server say goes through unchanged. Only calls of tools are decided: by rules on `mcp:NAME:TOOL` and \
            `mcp:NAME:TOOL:ARGUMENT/VALUE` in the policy or on the command line; where none allows a tool by name, every one may be called that \
            nothing else is said of. What the server may touch is the policy's matter, as in `glovebox run`, and holds for its whole life.

            glovebox mcp run --policy workspace --name files --ask mcp:files:write_file -- python3 server.py

            A call that must be asked about is shown to the user in a form, when the client shows forms and the policy counts what it answers \
            (`ask: {channel: any|local}`; without it, when the sandbox holds no network and nothing to write outside of the workspace). \
            Otherwise it is answered with the command that approves it; made again after that, it goes through, once. \
            Tools are pinned when they are first seen: one that describes itself differently later is reported, shown as it was, and asked \
            about. Every call is in `glovebox audit list`; --json writes the report of the run to standard error at the end.

            Exit codes: the server's own; 124 to 128 + n and 64 as of `glovebox run`.
            """)

    @Option(help: ArgumentHelp("What the server may touch.", valueName: "policy")) var policy = "workspace"
    @Option(help: ArgumentHelp("The server's name in rules and records. Without it: the program's.", valueName: "name")) var name: String?
    @Option(help: ArgumentHelp("Allow a tool, or a resource of the sandbox.", valueName: "resource=right,…")) var allow: [String] = []
    @Option(help: ArgumentHelp("Ask before each call of a tool.", valueName: "mcp:name:tool")) var ask: [String] = []
    @Option(help: ArgumentHelp("Deny a tool, or a resource of the sandbox.", valueName: "resource=right,…")) var deny: [String] = []
    @Option(
        help: ArgumentHelp(
            "A variable for the server: with a value, or by its name alone with the value that it has here.", valueName: "name[=value]"))
    var env: [String] = []
    @Option(help: ArgumentHelp("End the server after this time. Without it: never.", valueName: "duration")) var timeout: String?
    @Option(help: ArgumentHelp("Answer a request with an error when the server says nothing for so long.", valueName: "duration"))
    var silence = "5m"
    @Option(help: ArgumentHelp("How long a call waits for an answer to a form that its client shows.", valueName: "duration"))
    var approvalWait = "2m"
    @Option(help: ArgumentHelp("Most bytes of one call's result.", valueName: "size")) var resultLimit = "4MiB"
    @Flag(help: "Leave tools that are denied out of lists.") var hideDenied = false
    @OptionGroup var options: StoreOptions
    @Argument(parsing: .postTerminator, help: ArgumentHelp("The server's own command, after `--`.", valueName: "command"))
    var command: [String] = []

    func validate() throws {
        guard let program = command.first, !program.isEmpty else {
            throw ValidationError("there is no server to run; write its command after `--`: glovebox mcp run -- PROGRAM [ARGUMENT…]")
        }
        if let name, !ToolResource.isServerName(name) {
            throw ValidationError("--name takes 1 to 64 of A-Z a-z 0-9 _ . - and no dash first, because rules name the server so")
        }
    }

    func perform(_ interruption: Interruption) async throws -> Int32 {
        Console.neverWait()
        let server = name ?? Self.name(of: command)
        let limits = try relayLimits()
        let place = try options.place()
        let (mcpDeny, otherDeny) = Self.parted(deny)
        let (mcpAllow, otherAllow) = Self.parted(allow)
        let given = try CapabilityWords.terms(mcpDeny, .deny) + CapabilityWords.terms(ask, .ask) + CapabilityWords.terms(mcpAllow, .allow)
        if let stray = given.first(where: {
            $0.resource.kind != .mcp || $0.resource.parts.first?.text != server && !$0.resource.parts.isEmpty
        }) {
            throw CommandFailure.usage(
                "\(stray.resource) is no tool of this server; write mcp:\(server):TOOL, or name the server with --name")
        }
        let sealed = try request(allow: otherAllow, deny: otherDeny, place)
        let pinFile = PinFile(store: place.file, server: server)
        let (process, lock) = try await MCPSession.begin(server: server, command: command, policy: sealed.policy, given: given, options)
        let say: @Sendable (String) -> Void = { Console.note(SafeText.line($0)) }
        let report: RunReport
        do {
            let pins = ToolPins(try pinFile.read()) { content in
                do throws(SystemError) { try pinFile.write(content) } catch { say("glovebox: the tools could not be pinned: \(error)") }
            }
            let records = LeasedStore(path: place.file) { say("glovebox: \($0)") }
            let gate = RuntimeToolGate(
                .init(
                    process: process, resources: ToolResource(server: server, workspace: place.workspace), policy: sealed.policy,
                    policyHash: sealed.policy.hash, hidesDenied: hideDenied, storeWords: options.approvalWords(place)),
                records: records, pins: pins, say: say)
            report = try await relay(sealed.request, gate, limits, interruption)
            await records.close()
        } catch {
            try? await MCPSession.end(process, lock, options, how: .object(["error": .string("\(error)")]), server: server)
            throw error
        }
        let how = JSONValue.object([
            "outcome": .string(report.outcome.kind), "policy_hash": .string(report.policyHash),
            "violations": .int(Int64(report.violations.count)),
            "violations_dropped": .int(Int64(clamping: report.violationsDropped)), "exit_code": .int(Int64(report.outcome.exitCode)),
            "receipt": .object(report.receipt.map { JSONMember($0.layer, .string($0.state.rawValue)) }),
        ])
        try await MCPSession.end(process, lock, options, how: how, server: server)
        if options.json { Console.note(RunReportJSON.value(report, includingOutput: false).prettyText) }
        // Ended by its client's leaving, it did what it was there for.
        if case .cancelled = report.outcome { return ExitStatus.success }
        return report.outcome.exitCode
    }

    private func relay(
        _ request: RunRequest, _ gate: RuntimeToolGate, _ limits: RelayLimits, _ interruption: Interruption
    ) async throws -> RunReport {
        let supervisor = try SandboxSupervisor()
        defer { supervisor.shutDown() }
        let client = RelaySession.Client(input: 0, output: 1, log: 2, cleansLog: TerminalWindow.isTerminal(2))
        let stop = interruption.descriptor
        let result: Result<RunReport, SystemError> = await withCheckedContinuation { continuation in
            let isStarted = DetachedThread.start {
                do throws(SystemError) {
                    let session = try RelaySession(
                        request, client: client, gate: gate, limits: limits, supervisor: supervisor, interruption: stop)
                    continuation.resume(returning: .success(session.run()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            if !isStarted { continuation.resume(returning: .failure(SystemError(errno: EAGAIN, operation: "pthread_create"))) }
        }
        do throws(SystemError) {
            return try result.get()
        } catch {
            throw CommandFailure.failed("the server could not be started: \(error); raise the limits on open files and processes")
        }
    }

    // MARK: - What was typed

    /// Milliseconds for a server that nobody bounds: ten years.
    private static let unbounded: UInt64 = 10 * 365 * 86_400_000

    private func request(allow: [String], deny: [String], _ place: StorePlace) throws -> (request: RunRequest, policy: ResolvedPolicy) {
        var overrides = PolicyOverrides(allow: allow, deny: deny)
        // A server waits most of its time, and serves for as long as its client likes; the limits of a single command are not its.
        overrides.limits[.wall] = try timeout.map { try Self.duration($0, "--timeout") } ?? Self.unbounded
        overrides.limits[.cpu] = Self.unbounded
        let policy = try PolicyStore.standard().load(policy).adding(overrides)
        for warning in allow.compactMap({ HostDirectory.warning(ofAllow: $0) }) {
            Console.note("glovebox: WARNING: " + SafeText.line(warning))
        }
        let workspace = policy.usesWorkspace ? try Workspace(checking: place.workspace, writable: true) : nil
        if let workspace { try place.requireOutside(workspace.path) }
        let confinement = try policy.confinement(
            workspace: workspace?.path, workspaceWritable: true,
            denialsAt: workspace == nil ? try Workspace.currentDirectory(for: policy) : nil)
        var request = RunRequest(
            arguments: command, confinement: confinement, policyName: policy.name, policyHash: policy.hash,
            environment: try variables(), workspaceIdentity: workspace.map { .init(device: $0.device, inode: $0.inode) })
        request.watchesOpening = true
        return (request, policy)
    }

    private func relayLimits() throws(CommandFailure) -> RelayLimits {
        var limits = RelayLimits()
        limits.silence = try Self.duration(silence, "--silence") &* 1_000_000
        limits.approvalWait = try Self.duration(approvalWait, "--approval-wait") &* 1_000_000
        do throws(Quantity.Problem) {
            limits.resultBytes = Int(clamping: try Quantity.bytes(resultLimit))
        } catch {
            throw .usage("--result-limit: \(error.message); \(error.mend)")
        }
        limits.messageBytes = max(limits.messageBytes, limits.resultBytes)
        return limits
    }

    private func variables() throws(CommandFailure) -> [String: String] {
        var result: [String: String] = [:]
        for text in env {
            guard let equals = text.firstIndex(of: "=") else {
                if let value = try Self.passedOn(text) { result[text] = value }
                continue
            }
            guard equals != text.startIndex else {
                throw .usage("--env `\(printable(text))` is neither NAME=VALUE nor NAME")
            }
            result[String(text[..<equals])] = String(text[text.index(after: equals)...])
        }
        return result
    }

    /// A variable's value here: so a client's secret reaches the server without standing on a command line.
    private static func passedOn(_ name: String) throws(CommandFailure) -> String? {
        guard ServerCommand.isVariableName(name) else { throw .usage("--env `\(printable(name))` is neither NAME=VALUE nor NAME") }
        guard let value = getenv(name) else {
            Console.note("glovebox: \(name) is not set here, so the server has none")
            return nil
        }
        guard let text = String(validatingCString: value) else {
            throw .failed("the variable \(name) is not UTF-8, and cannot be passed on")
        }
        return text
    }

    static func duration(_ text: String, _ option: String) throws(CommandFailure) -> UInt64 {
        do throws(Quantity.Problem) {
            return try Quantity.milliseconds(text)
        } catch {
            throw .usage("\(option): \(error.message); \(error.mend)")
        }
    }

    /// Rules on tools are the broker's, all others the sandbox's.
    private static func parted(_ texts: [String]) -> (mcp: [String], other: [String]) {
        (texts.filter { $0.hasPrefix("mcp:") }, texts.filter { !$0.hasPrefix("mcp:") })
    }

    /// The program's name, as far as it may stand in a rule.
    static func name(of command: [String]) -> String {
        let last = command[0].split(separator: "/").last.map(String.init) ?? ""
        let text = String(last.prefix(64).map { ToolResource.isServerName("a\($0)") ? $0 : "_" })
        return ToolResource.isServerName(text) ? text : "server"
    }
}
