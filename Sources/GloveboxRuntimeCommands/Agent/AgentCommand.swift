internal import ArgumentParser

struct AgentCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "agent", abstract: "Start agents, run them, and see what they do.",
        discussion: """
            glovebox agent spawn --preset edit --goal "mend the failing test"
            glovebox agent run --script plan.yaml
              Runs until nothing can go on: everything has ended, or waits for somebody.
            glovebox human list
            glovebox why ID

            Exit codes: 0 done; 1 an agent failed; 3 an agent has not ended; 124 timeout; 125 Glovebox could not do it, or a question was \
            left open; 126 denied; 128+n signal; 64 usage.
            """,
        subcommands: [
            AgentSpawnCommand.self, AgentRunCommand.self, AgentListCommand.self, AgentShowCommand.self, AgentMessageCommand.self,
            AgentInterruptCommand.self, AgentSignalCommand.self, AgentWaitCommand.self,
        ])
}
