internal import ArgumentParser

struct CapabilityCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "capability", abstract: "Show, explain, grant and revoke what agents may do.",
        discussion: """
            glovebox capability list pid_…
            glovebox capability explain pid_… filesystem:workspace:src=write
            glovebox capability grant pid_… filesystem:workspace:src=write --expires 1h
            """,
        subcommands: [
            CapabilityListCommand.self, CapabilityExplainCommand.self, CapabilityGrantCommand.self, CapabilityRevokeCommand.self,
        ])
}
