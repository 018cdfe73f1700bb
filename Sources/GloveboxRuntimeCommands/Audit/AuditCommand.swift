internal import ArgumentParser

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Read, check and export the record of everything that was decided and done.",
        subcommands: [AuditListCommand.self, AuditShowCommand.self, AuditVerifyCommand.self, AuditExportCommand.self])
}
