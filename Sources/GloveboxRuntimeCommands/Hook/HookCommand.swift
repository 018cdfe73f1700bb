internal import ArgumentParser

struct HookCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hook", abstract: "Decide what another agent's own tools may do, by a policy of Glovebox.",
        discussion: """
            The agent asks before each call; the policy answers. A hook decides and does not seal: what was allowed runs outside of any \
            sandbox, with all rights of the agent.
            """,
        subcommands: [HookClaudeCodeCommand.self])

    /// Agents take only this exit code for a no; any other that is not 0 they pass over.
    static let refusal: Int32 = 2

    /// Whether a command line is a hook's, so that whatever goes wrong with it must end as a no.
    static func isMeant(_ words: [String]) -> Bool { words.first == commandName }
    private static let commandName = "hook"
}
