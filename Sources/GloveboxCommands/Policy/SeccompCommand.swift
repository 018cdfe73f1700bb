internal import ArgumentParser

struct SeccompCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seccomp",
        abstract: "Exchange system call lists with Docker and OCI runtimes.",
        subcommands: [SeccompImportCommand.self, SeccompExportCommand.self])
}
