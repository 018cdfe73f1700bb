internal import ArgumentParser
internal import CommandOutput
internal import Glovebox
internal import LinuxPrimitives
internal import MCPClients
internal import SandboxPolicy
internal import StrictJSON

struct MCPWrapCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "wrap", abstract: "Seal MCP servers in their clients' configurations.",
        discussion: """
            Puts `glovebox mcp run … --` before the server's own command, shows the change and asks. Comments, order and spelling of \
            the rest of the file stay as they are, and `glovebox mcp unwrap` gives back the file byte for byte. The old file is kept beside \
            it as FILE.before-glovebox, for its owner alone: it may hold secrets, remove it when all works.

            Without --policy: mcp-filesystem, mcp-git, mcp-fetch or mcp-time for those servers, and workspace for all others. A second \
            directory of server-filesystem, and one that no workspace may be, is refused. Variables that the entry gives to the server are passed on \
            by name (`--env NAME`); their values stay where they are, and the shown change has `…` for them. A server in a Python \
            environment gets that environment to read. Restart the client afterwards.

            Exit codes: 0; 1 when an entry or a file was left as it is because it could not be changed safely; 125; 64.
            """)

    @Argument(help: ArgumentHelp("The server, as its client calls it.", valueName: "name")) var name: String?
    @Flag(help: "All that are not sealed yet.") var all = false
    @Option(help: ArgumentHelp("What the servers may touch.", valueName: "policy")) var policy: String?
    @Option(
        name: .customLong("server-workspace"),
        help: ArgumentHelp(
            "The server's workspace. Without it: the directories of its own command, its `cwd`, or where the client starts it.",
            valueName: "dir"))
    var serverWorkspace: String?
    @Option(help: ArgumentHelp("Allow the servers more, as `mcp run --allow` does.", valueName: "resource=right,…")) var allow: [String] =
        []
    @Flag(help: "Show the change and make none.") var dryRun = false
    @Flag(help: "Do not ask.") var yes = false
    @OptionGroup var options: ClientOptions

    func validate() throws { try Self.check(name, all) }

    static func check(_ name: String?, _ all: Bool) throws {
        if (name != nil) == all { throw ValidationError("name one server, or write --all") }
    }

    func perform(_ interruption: Interruption) async throws -> Int32 {
        var wishes = SealChoice.Wishes(policy: policy, workspace: nil, allowed: allow)
        if let policy {
            _ = try PolicyStore.standard().load(policy).adding(PolicyOverrides(allow: allow.filter { !$0.hasPrefix("mcp:") }, deny: []))
            // The client starts the server elsewhere.
            if PolicyStore.isPath(policy) { wishes.policy = try absolute(policy) }
        }
        wishes.workspace = try serverWorkspace.map(absolute)
        let session = RewriteSession(options: options, isDryRun: dryRun, isAgreed: yes, done: "sealed")
        return try await session.perform(name, interruption) { (entry, standing, configuration) throws(EntryRefusal) in
            switch standing.state {
            case .sealed, .own:
                if name != nil { throw EntryRefusal(reason: "it is sealed already") }
                return nil
            case .unclear: throw EntryRefusal(reason: standing.note ?? "what it starts cannot be told for certain")
            case .unsealed, .remote: break
            }
            guard let command = entry.command else {
                return (try EntryEdit.seal(entry, .init(program: "", policy: "", name: ""), in: configuration), [])
            }
            if command.arguments.starts(with: ["mcp", "run"]), command.program.hasSuffix("glovebox") {
                throw EntryRefusal(reason: standing.note ?? "it names another Glovebox; mend that first")
            }
            let choice = try SealChoice(entry, command, wishes)
            return (try EntryEdit.seal(entry, choice.seal, in: configuration), choice.notes)
        }
    }

    private func absolute(_ path: String) throws(CommandFailure) -> String {
        do throws(SystemError) {
            return try PathResolution.canonicalPath(path)
        } catch {
            throw .failed("\(printable(path)) cannot be used (\(error.symbol))")
        }
    }
}

struct MCPUnwrapCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "unwrap", abstract: "Take the seal off MCP servers in their clients' configurations.",
        discussion: """
            Gives the server its own command back, with the same care as `glovebox mcp wrap`, and asks. After that its client starts it with \
            all of the client's rights.
            """)

    @Argument(help: ArgumentHelp("The server, as its client calls it.", valueName: "name")) var name: String?
    @Flag(help: "All that are sealed.") var all = false
    @Flag(help: "Show the change and make none.") var dryRun = false
    @Flag(help: "Do not ask.") var yes = false
    @OptionGroup var options: ClientOptions

    func validate() throws { try MCPWrapCommand.check(name, all) }

    func perform(_ interruption: Interruption) async throws -> Int32 {
        let own = ServerStanding.ownPrograms()
        let session = RewriteSession(options: options, isDryRun: dryRun, isAgreed: yes, done: "opened")
        return try await session.perform(name, interruption) { (entry, standing, configuration) throws(EntryRefusal) in
            if let command = entry.command, SealedCommand.of(command, ownPrograms: own) != nil, !SealedWords(command).isRelay {
                throw EntryRefusal(reason: standing.note ?? SealedWords.unreadable)
            }
            guard let command = entry.command, let sealed = SealedCommand.of(command, ownPrograms: own) else {
                if name != nil { throw EntryRefusal(reason: standing.note ?? "it is not sealed by `glovebox mcp run`") }
                return nil
            }
            return (try EntryEdit.open(entry, sealed, in: configuration), [])
        }
    }
}
