internal import ArgumentParser
internal import CapabilityLanguage
internal import CommandOutput
internal import Glibc
internal import Glovebox
internal import LibOSModel
internal import LinuxPrimitives
internal import SQLiteRuntimeStore
internal import SandboxPolicy
internal import StrictJSON

struct HookClaudeCodeCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "claude-code", abstract: "Answer a PreToolUse hook of Claude Code: allow, ask or deny, with the reason.",
        discussion: """
            Reads the hook's JSON on standard input and decides by the policy: Read, Write, Edit and their like as `filesystem:` of the \
            file's real path; Bash as `shell:` of each program in the line, and what its words may name; WebFetch as \
            `network:tcp:HOST:PORT`; mcp__SERVER__TOOL as `mcp:SERVER:TOOL`. Glob and Grep are asked about where a guarded name lies below \
            their directory, unless their pattern cannot match it. Other tools, and command lines that only a shell can work out, are asked \
            about. Deny beats ask beats allow. A program of Bash is allowed only where a `shell:` rule names it; what such a program does \
            beyond its words, as with the directory that it starts in, is not seen.

            What goes wrong is a no: exit code 2, with the reason on standard error. --print-config prints the settings; their `|| exit 2` \
            keeps that so when this program cannot be started at all.

            Nothing is recorded, and no store opened, without --record (the project's own store) or --store FILE. With one of them \
            a decision that cannot be recorded is a no.
            """)

    @Option(help: ArgumentHelp("What decides.", valueName: "policy")) var policy = "workspace"
    @Option(
        help: ArgumentHelp("The project. Without it: $CLAUDE_PROJECT_DIR, or where the agent works.", valueName: "dir"),
        completion: .directory)
    var workspace: String?
    @Option(help: ArgumentHelp("What holds where no rule says anything: deny or ask.", valueName: "effect")) var unnamed = "deny"
    @Flag(help: "Record each decision in the project's store.") var record = false
    @Option(help: ArgumentHelp("Record each decision in this store.", valueName: "file"), completion: .file()) var store: String?
    @Flag(help: "Print the settings that make Claude Code ask.") var printConfig = false

    /// Seconds; the settings give it more, so that this no is the one that is heard.
    private static let longestTime: UInt32 = 10

    func validate() throws {
        if unnamed != "deny", unnamed != "ask" { throw ValidationError("--unnamed is deny or ask") }
    }

    func perform(_ interruption: Interruption) async throws -> Int32 {
        if printConfig {
            Console.print(settings.prettyText)
            return ExitStatus.success
        }
        signal(SIGALRM) { _ in
            let words: StaticString = "Glovebox: the decision took too long, so it is a no\n"
            _ = words.withUTF8Buffer { write(2, $0.baseAddress, $0.count) }
            _exit(2)
        }
        alarm(Self.longestTime)
        do {
            let answer = try decision()
            try Console.show(answer.json.canonicalText)
            return ExitStatus.success
        } catch {
            Console.complain("\(Self.text(of: error)); so it is a no")
            return HookCommand.refusal
        }
    }

    private static func text(of error: any Error) -> String {
        switch error {
        case let problem as HookRequest.Problem: problem.message
        case let failure as CommandFailure: failure.message
        case let error as PolicyError: PolicyErrorText.line(error)
        default: "\(error)"
        }
    }

    private func decision() throws -> HookAnswer {
        let request = try HookRequest.read(try Transfer.readAll(0, limit: HookRequest.bounds.bytes))
        let place = try project(request)
        let policy = try PolicyStore.standard().load(policy)
        let answer = HookDecider(policy: policy, workspace: place.workspace, unnamed: unnamed == "ask" ? .ask : .deny).decide(request)
        if record || store != nil { try put(answer, request, policy, place) }
        return answer
    }

    private func project(_ request: HookRequest) throws -> StorePlace {
        var directory = workspace
        if directory == nil, let value = getenv("CLAUDE_PROJECT_DIR"), let text = String(validatingCString: value), text.hasPrefix("/") {
            directory = text
        }
        return try StorePlace.of(workspace: directory ?? request.workingDirectory, store: store)
    }

    private func put(_ answer: HookAnswer, _ request: HookRequest, _ policy: ResolvedPolicy, _ place: StorePlace) throws {
        try place.requireOutside(place.workspace)
        try place.makeParents()
        let opened = try SQLiteRuntimeStore.openWaiting(path: place.file, patience: 5_000)
        defer { opened.closeWaiting() }
        let entry = AuditEntry(
            actor: "hook:claude-code", action: "hook.decision", target: answer.resources.first,
            decision: .object([
                "policy_decision": .string(answer.effect.rawValue), "policy_reason": .string(answer.reason),
                "tool": .string(printable(request.tool)), "args_sha256": .string(SHA256Text.of(request.input.canonicalText)),
                "resources": .strings(Array(answer.resources.prefix(64))), "policy": .string(policy.name),
                "policy_hash": .string(policy.hash), "session": .string(printable(request.session)),
            ]))
        try opened.writeWaiting { transaction throws(LibOSError) in _ = try transaction.append(entry) }
    }

    // MARK: - Settings

    /// Every tool, also those that are still to come: what no rule can be about is asked about.
    static let matcher = "*"

    private var settings: JSONValue {
        var words = ["glovebox", "hook", "claude-code", "--policy", policy]
        if let workspace { words += ["--workspace", workspace] }
        if unnamed != "deny" { words += ["--unnamed", unnamed] }
        if record { words.append("--record") }
        if let store { words += ["--store", store] }
        let line = words.map(Self.quoted).joined(separator: " ") + " || exit 2"
        let hook = JSONValue.object(["type": .string("command"), "command": .string(line), "timeout": .int(Int64(3 * Self.longestTime))])
        return .object([
            "hooks": .object(["PreToolUse": .array([.object(["matcher": .string(Self.matcher), "hooks": .array([hook])])])])
        ])
    }

    private static func quoted(_ word: String) -> String {
        let isPlain = !word.isEmpty && word.utf8.allSatisfy { $0 > 0x2A && $0 < 0x7B && !";<>?[\\]^`".utf8.contains($0) }
        return isPlain ? word : "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }
}
