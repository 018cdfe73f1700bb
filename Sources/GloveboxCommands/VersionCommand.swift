internal import ArgumentParser
internal import CommandOutput
internal import Glovebox
internal import SandboxLauncher
internal import SandboxPolicy
internal import StrictJSON

struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    @Flag(help: "Print JSON (glovebox.version/1).") var json = false

    func run() throws {
        guard json else { return Console.print("glovebox \(GloveboxVersion.current)") }
        Console.printJSON(
            .object([
                "schema": .string("glovebox.version/1"), "version": .string(GloveboxVersion.current),
                "policy_language": .int(Int64(PolicyKeys.version)), "run_report": .string(RunReportJSON.schema),
            ]))
    }
}
