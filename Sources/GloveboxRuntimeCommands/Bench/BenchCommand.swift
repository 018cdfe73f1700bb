internal import ArgumentParser

/// One subcommand for each thing that Glovebox costs.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench", abstract: "Measure what sealing costs on this machine.",
        discussion: """
            Every case is measured beside the same thing without Glovebox, in turn, in one run. Ratios and the smallest times count; a run \
            that was disturbed says so, and ends with exit code 75.
            """,
        subcommands: [
            BenchLaunchCommand.self, BenchQuantumCommand.self, BenchThroughputCommand.self, BenchOverheadCommand.self, BenchMCPCommand.self,
            EchoServerCommand.self,
        ])
}
