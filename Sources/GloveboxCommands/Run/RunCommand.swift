internal import CommandOutput
internal import Glibc
internal import Glovebox
internal import LinuxPrimitives
internal import SandboxLauncher
internal import SandboxPolicy
internal import StrictJSON

/// `glovebox run`: one command sealed, its output passed through, its exit code ours.
///
/// The way to the launch is kept short: no argument parser, no task, no thread.
enum RunCommand {
    /// Reads the words after `run`, runs, reports. Returns the exit code.
    static func perform(_ words: [String]) -> Int32 {
        do throws(CommandFailure) {
            switch try RunArguments.read(words) {
            case .help: return HelpPage.show(["run"])
            case .run(let arguments): return try run(arguments)
            }
        } catch {
            Console.complain(error.message)
            return error.exitCode
        }
    }

    private static func run(_ arguments: RunArguments) throws(CommandFailure) -> Int32 {
        if arguments.terminal, !TerminalWindow.isTerminal(0) || !TerminalWindow.isTerminal(1) {
            throw .usage("-t needs a terminal on standard input and output; leave it out for pipes and files")
        }
        StandardDescriptors.fill()
        let supervisor: SandboxSupervisor
        do throws(LaunchError) {
            supervisor = try SandboxSupervisor(prestarts: true, isForOneRun: true) // comes up while the policy is read
        } catch {
            throw .failed(error.description)
        }
        let reportFile: ReportFile?
        if let path = arguments.report { reportFile = try ReportFile.prepare(path) } else { reportFile = nil }
        let request = try request(arguments)
        guard let signals = try? SignalWatch.start() else {
            throw .failed("no descriptor is left for the run; raise the limit on open files (ulimit -n)")
        }
        let report = supervisor.run(request, cancellation: signals.cancellation, isLast: true)
        supervisor.shutDown()
        // This program ends now: what the supervisor keeps for further runs need not be taken apart.
        _ = Unmanaged.passRetained(supervisor)
        let ending = try ending(report, arguments, reportFile, stoppedBy: signals.received(), for: .thisProcess)
        if let output = ending.output { Console.print(output) }
        if let note = ending.note { Console.note(note) }
        return ending.code
    }

    // MARK: - Before

    static func request(
        _ arguments: RunArguments, for caller: RunCaller = .thisProcess, from policies: any PolicySource = PolicyStore.standard()
    ) throws(CommandFailure) -> RunRequest {
        do throws(PolicyError) {
            let name = arguments.policy ?? "workspace"
            var overrides = PolicyOverrides(allow: arguments.allow, deny: arguments.deny)
            if let timeout = arguments.timeout { overrides.limits[.wall] = timeout }
            if overrides.isEmpty, let compiled = policies.loadCompiled(name) {
                let workspace = try workspace(arguments, isUsed: compiled.usesWorkspace, home: caller.home)
                let confinement = compiled.template.confinement(
                    workspace: workspace?.path, workspaceWritable: workspace?.isWritable ?? false)
                if let confinement {
                    var request = request(
                        arguments, confinement, workspace, caller, policyName: compiled.name, policyHash: compiled.hash)
                    request.compiledFilters = compiled.filters
                    return request
                }
            }
            let policy = try policies.load(name).adding(overrides)
            let workspace = try workspace(arguments, isUsed: policy.usesWorkspace, home: caller.home)
            let confinement = try policy.confinement(
                workspace: workspace?.path, workspaceWritable: workspace?.isWritable ?? true,
                denialsAt: workspace == nil ? try Workspace.currentDirectory(for: policy) : nil)
            return request(arguments, confinement, workspace, caller, policyName: policy.name, policyHash: policy.hash)
        } catch {
            // What was typed is a matter of usage; what a file says is not.
            throw CommandFailure(
                exitCode: error.file == ResolvedPolicy.commandLine ? ExitStatus.usage : ExitStatus.failure,
                message: PolicyErrorText.line(error))
        }
    }

    private static func workspace(_ arguments: RunArguments, isUsed: Bool, home: String?) throws(PolicyError) -> Workspace? {
        if let choice = arguments.workspace { return try Workspace(checking: choice.path, writable: choice.isWritable, home: home) }
        return isUsed ? try Workspace(checking: ".", writable: true, home: home) : nil
    }

    private static func request(
        _ arguments: RunArguments, _ confinement: Confinement, _ workspace: Workspace?, _ caller: RunCaller, policyName: String,
        policyHash: String
    ) -> RunRequest {
        var request = RunRequest(
            arguments: arguments.command, confinement: confinement, policyName: policyName, policyHash: policyHash,
            workingDirectory: directory(arguments.workingDirectory, workspace: confinement.workspace),
            environment: environment(arguments, confinement.environment), input: .descriptor(caller.input),
            output: output(arguments, caller), workspaceIdentity: workspace.map { .init(device: $0.device, inode: $0.inode) })
        request.callersVariables = caller.variables
        return request
    }

    private static func directory(_ given: String?, workspace: String?) -> String? {
        guard let given, !given.hasPrefix("/") else { return given }
        return "\(workspace ?? "/tmp")/\(given)"
    }

    /// An interactive program cannot draw without knowing its terminal's kind.
    private static func environment(_ arguments: RunArguments, _ rules: EnvironmentRules) -> [String: String] {
        var environment = arguments.environment
        if arguments.terminal, environment["TERM"] == nil, rules.denial(of: "TERM") == nil, let kind = getenv("TERM") {
            environment["TERM"] = String(cString: kind)
        }
        return environment
    }

    private static func output(_ arguments: RunArguments, _ caller: RunCaller) -> RunRequest.Output {
        if arguments.terminal { return .terminal(caller.input) }
        if arguments.json { return .capture(keep: 512 << 10) }
        return .forward(
            stdout: caller.output, stderr: caller.error, sanitizeStdout: TerminalWindow.isTerminal(caller.output),
            sanitizeStderr: TerminalWindow.isTerminal(caller.error))
    }

    // MARK: - After

    /// What is left to say and do once a tool has ended.
    struct Ending: Equatable {
        /// For standard output, without the end of its last line.
        var output: String?
        /// For standard error.
        var note: String?
        var code: Int32
    }

    /// Writes the report to its file, and says what else there is.
    static func ending(
        _ report: RunReport, _ arguments: RunArguments, _ reportFile: consuming ReportFile?, stoppedBy signal: Int32?,
        for caller: RunCaller
    ) throws(CommandFailure) -> Ending {
        var ending = Ending(code: exitCode(report.outcome, stoppedBy: signal))
        if arguments.json || arguments.report != nil {
            let text = RunReportJSON.value(report, includingOutput: arguments.json).prettyText
            // First: a reader of the output that is gone ends this program, and the report is for somebody else.
            try reportFile?.write(text + "\n")
            if arguments.json { ending.output = TerminalWindow.isTerminal(caller.output) ? SafeText.clean(text) : text }
        }
        if !arguments.quiet || !toolRan(report.outcome), !arguments.json {
            let lines = RunSummary.lines(report, style: caller.style)
            if !lines.isEmpty { ending.note = lines.joined(separator: "\n") }
        }
        return ending
    }

    /// `--quiet` leaves out the summary of a run, never the reason why there was none.
    private static func toolRan(_ outcome: RunOutcome) -> Bool {
        switch outcome {
        case .setupFailed, .notFound, .notExecutable, .launcherDied: false
        default: true
        }
    }

    static func exitCode(_ outcome: RunOutcome, stoppedBy signal: Int32?) -> Int32 {
        if case .cancelled = outcome, let signal { return 128 + signal }
        return outcome.exitCode
    }
}
