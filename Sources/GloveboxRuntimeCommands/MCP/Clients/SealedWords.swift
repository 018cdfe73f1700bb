internal import ArgumentParser
internal import Glovebox
internal import MCPClients

/// The words of an entry that names our own program, read by the parser that will read them when the client starts it.
struct SealedWords {
    static let unreadable = "its words are none that `glovebox mcp run` would run a server for; it may seal nothing"

    /// `mcp run` of exactly the command behind the first `--`.
    var isRelay = false
    var isServe = false
    var policy: String?
    var allowed: [String] = []
    private var workspace: String?

    init(_ command: ServerCommand) {
        guard let parsed = try? GloveboxRuntimeCommand.parseAsRoot(command.arguments) else { return }
        if let run = parsed as? MCPRunCommand, let dashes = command.arguments.firstIndex(of: "--") {
            isRelay = run.command.elementsEqual(command.arguments[(dashes + 1)...]) && !run.command.isEmpty
            (policy, allowed, workspace) = (run.policy, run.allow, run.options.workspace)
        } else if let serve = parsed as? MCPServeCommand {
            isServe = true
            (policy, allowed, workspace) = (serve.policy, serve.allow, serve.options.workspace)
        }
    }

    /// What it opens that no server should have; nil when there is nothing such.
    var excess: String? { allowed.lazy.compactMap { HostDirectory.warning(ofAllow: $0) }.first }

    /// Why the policy may be one that the server, or whoever wrote the project, has made for itself; nil when it is not.
    func doubt(inProjects projects: [String?]) -> String? {
        guard let policy, !PolicyStore.isName(policy) || PolicyStore.isPath(policy) else { return nil }
        guard policy.hasPrefix("/") else { return "its policy is a file where the client happens to start it; name it by its whole path" }
        guard (projects + [workspace]).contains(where: { $0.map { HostDirectory.holds($0, policy) } ?? false }) else { return nil }
        return "its policy is a file of the project, which the project can change; keep it elsewhere"
    }
}
