internal import AgentRuntime
internal import ArgumentParser
internal import CapabilityBroker
internal import CapabilityLanguage
internal import CommandOutput
internal import Glovebox
internal import LibOSModel
internal import LinuxPrimitives
internal import MCPServer
internal import SandboxLauncher
internal import SandboxPolicy
internal import StrictJSON
internal import ToolBroker

struct MCPServeCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Offer the tools of this host to an MCP client, each call in a sandbox of its own.",
        discussion: """
            Serves one client over standard input and output, in every version of the protocol from 2024-11-05 to 2026-07-28, until it \
            closes its end; calls that run then are ended. The policy says what calls may touch, and which tools are offered at all. What \
            a tool is written for bounds each call further.

            {"mcpServers": {"glovebox": {"command": "glovebox", "args": ["mcp", "serve", "--policy", "workspace", "--workspace", "/home/me/project"]}}}

            Offered are tools that run in sandboxes, those on files of the workspace, and the clock. --tools names the ones to offer \
            instead, among them the session's own memory and working directory; tools about agents and people are never offered.

            A call that must be asked about is shown to the user in a form, when the client shows forms and the policy counts what it answers \
            (`ask: {channel: any|local}`; without it, for what does not lead out of the workspace). Otherwise it is answered with the command \
            that approves it; made again after that, it goes through, once. \
            Every call is in `glovebox audit list`; other commands work with the same store meanwhile.

            --http serves any number of clients that send the token (`Authorization: Bearer …`), until a signal stops it; a request \
            whose connection is closed is cancelled.

            Exit codes: 0 the client has left; 125 it could not be served; 64 wrong options; 128 + n stopped by a signal.
            """)

    @Option(help: ArgumentHelp("What calls may touch.", valueName: "policy")) var policy = "workspace"
    @Option(help: ArgumentHelp("The tools to offer, and no others.", valueName: "name,…")) var tools: [String] = []
    @Option(
        help: ArgumentHelp(
            "A manifest, or a directory of them, beside the shipped tools and ~/.config/glovebox/tools. May be repeated.",
            valueName: "path"),
        completion: .file())
    var manifests: [String] = []
    @Option(help: ArgumentHelp("Allow for this session.", valueName: "resource=right,…")) var allow: [String] = []
    @Option(help: ArgumentHelp("Ask before each such call.", valueName: "resource=right,…")) var ask: [String] = []
    @Option(help: ArgumentHelp("Deny for this session.", valueName: "resource=right,…")) var deny: [String] = []
    @Option(help: ArgumentHelp("How long a call waits for an answer to a form that its client shows.", valueName: "duration"))
    var approvalWait = "2m"
    @Option(
        help: ArgumentHelp(
            "Serve 2026-07-28 over HTTP on this host's own address instead of standard input and output; port 0 takes a free one.",
            valueName: "127.0.0.1:port"))
    var http: String?
    @Option(
        help: ArgumentHelp(
            "The token that clients over HTTP send, made when the file is not there. Without it: a new one beside the store for this session.",
            valueName: "file"),
        completion: .file())
    var tokenFile: String?
    @OptionGroup var options: StoreOptions

    func validate() throws {
        if let http, LoopbackAddress(http) == nil {
            throw ValidationError("--http takes an address of this host alone: 127.0.0.1:PORT, localhost:PORT or [::1]:PORT")
        }
        if tokenFile != nil, http == nil { throw ValidationError("--token-file is for --http; a client on standard input needs no token") }
        if !tools.isEmpty, names?.isEmpty != false {
            throw ValidationError("--tools names no tool; write --tools read_text_file,read_directory")
        }
        if options.json {
            throw ValidationError("--json says nothing here: the session's calls are in `glovebox audit list --json`")
        }
    }

    /// Nil: what every client has a use for.
    private var names: [String]? {
        tools.isEmpty ? nil : tools.flatMap { $0.split(separator: ",").map { $0.trimming() } }.filter { !$0.isEmpty }
    }

    func perform(_ interruption: Interruption) async throws -> Int32 {
        Console.neverWait()
        let place = try options.place()
        if let tokenFile { try StorePlace.requireOutside(tokenFile, called: "the token file", place.workspace) }
        let registry = try ToolOptions.registry(manifests, option: "--manifests")
        let policy = try PolicyStore.standard().load(policy).adding(PolicyOverrides(allow: allow, deny: deny))
        let given = try CapabilityWords.terms(deny, .deny) + CapabilityWords.terms(ask, .ask) + CapabilityWords.terms(allow, .allow)
        let rights = SessionRights(policy: policy, given: given)
        let policies = LoadedPolicies { $0.bounded(by: policy) }
        let selection = try Self.selection(registry, names, rights, policies)
        let served = try await ServedStore.open(place, registry)
        do {
            try await served.session.withTools(policies) { broker in
                try await serve(selection, policy, rights, served, broker, interruption)
            }
        } catch {
            await served.session.store.close()
            throw error
        }
        await served.session.store.close()
        return ExitStatus.success
    }

    private func serve(
        _ selection: ToolSelection, _ policy: ResolvedPolicy, _ rights: SessionRights, _ served: ServedStore, _ broker: ToolBroker,
        _ interruption: Interruption
    ) async throws {
        let patience = try MCPRunCommand.duration(approvalWait, "--approval-wait")
        let process = try await served.begin(selection, policy, rights)
        let say: @Sendable (String) -> Void = { Console.note(SafeText.line($0)) }
        let caller = RuntimeToolCaller(
            .init(
                process: process, storeWords: options.approvalWords(served.session.place),
                unwatched: Set(selection.entries.filter(\.mayChangeUnwatched).map(\.manifest.name))),
            broker: broker, store: served.session.store, say: say)
        let core = ServerCore(
            identity: .init(
                name: "glovebox", title: "Glovebox", version: GloveboxVersion.current,
                instructions:
                    "Tools of this host. Each call runs in a sandbox of its own, under the policy \(policy.name), and is on record. Paths are "
                    + "relative to the workspace. A call that was denied is denied again; one that needs a person's agreement says how to get it."
            ),
            tools: selection.entries.map(\.offered), caller: caller,
            questions: FormAnswering(
                .init(process: process, policy: policy, principal: http == nil ? "stdio" : "bearer"), store: served.session.store,
                broker: served.session.runtime.authority.broker, patience: .milliseconds(Int64(clamping: patience))))
        // Tools that wait for a person inside of a call look again: the answer comes from another program.
        let commits = served.session.store.commits
        let clock = Task {
            while (try? await Task.sleep(for: .milliseconds(500))) != nil { commits.signal() }
        }
        defer { clock.cancel() }
        var failure: CommandFailure?
        do throws(CommandFailure) {
            if let address = http.flatMap({ LoopbackAddress($0) }) {
                try await serve(core, at: address, served.session.place, interruption, say)
            } else {
                try await Self.serve(core, interruption)
            }
        } catch {
            failure = error
        }
        try await served.end(process, how: .object(["interrupted": .bool(interruption.isRaised)]))
        if let failure { throw failure }
    }

    private static func serve(_ core: ServerCore, _ interruption: Interruption) async throws(CommandFailure) {
        do throws(SystemError) {
            try await StdioServer(core).run(interruption: interruption.descriptor)
        } catch {
            throw .failed("the client could not be served: \(error); raise the limits on open files and processes")
        }
    }

    private func serve(
        _ core: ServerCore, at address: LoopbackAddress, _ place: StorePlace, _ interruption: Interruption,
        _ say: @escaping @Sendable (String) -> Void
    ) async throws(CommandFailure) {
        let file = try TokenFile.open(tokenFile, beside: place.file)
        defer { file.close() }
        do throws(HTTPServer.Failure) {
            try await HTTPServer(core, token: file.token).run(address: address, interruption: interruption.descriptor) { url in
                say("glovebox: serving at \(url); the token is in \(file.path)")
            }
        } catch {
            throw .failed("\(printable(error.message)); choose another port, or 0 for a free one")
        }
    }

    private static func selection(
        _ registry: ToolRegistry, _ names: [String]?, _ rights: SessionRights, _ policies: LoadedPolicies
    ) throws -> ToolSelection {
        do {
            return try ToolSelection(from: registry, names: names, session: rights) { name throws(PolicyError) in try policies.policy(name)
            }
        } catch let problem as ToolSelection.Problem {
            switch problem {
            case .unknown(let name, let known):
                throw CommandFailure.usage(
                    "--tools: there is no tool `\(printable(name))`; \(NearestWord.mend(for: name, among: known))")
            case .notOffered(let name):
                throw CommandFailure.usage(
                    "--tools: `\(name)` is about agents, their mail or their people, which an MCP session has not; leave it out")
            case .notAllowed(let name):
                throw CommandFailure.usage(
                    "--tools: the session may make no call of `\(name)`: what it needs is in no rule of the policy; see "
                        + "`glovebox tool show \(name)`, and add what is missing with --allow")
            }
        }
    }
}

extension Substring {
    fileprivate func trimming() -> String {
        String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
