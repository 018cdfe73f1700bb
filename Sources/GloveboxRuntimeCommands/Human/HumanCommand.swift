internal import ArgumentParser

struct HumanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "human", abstract: "Answer what agents ask.",
        discussion: """
            glovebox human list
            glovebox human approve hreq_…
              Shows the exact action and what would be remembered, and asks on the terminal. --yes decides without asking.
            glovebox human answer hreq_… "the second one"
            """,
        subcommands: [
            HumanListCommand.self, HumanShowCommand.self, HumanApproveCommand.self, HumanRejectCommand.self, HumanAnswerCommand.self,
        ])
}
