internal import ArgumentParser

struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy",
        abstract: "Read, explain, compare and test policies.",
        discussion: "A policy is named (`glovebox policy list`), or given by the path of its file.",
        subcommands: [
            PolicyCheckCommand.self, PolicyExplainCommand.self, PolicyResolveCommand.self, PolicyLintCommand.self,
            PolicyDiffCommand.self, PolicyTestCommand.self, PolicySchemaCommand.self, PolicyListCommand.self, SeccompCommand.self,
            PolicyCompileCommand.self,
        ])
}
