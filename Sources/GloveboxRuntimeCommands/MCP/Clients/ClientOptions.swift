internal import ArgumentParser
internal import CommandOutput
internal import Glovebox
internal import LinuxPrimitives
internal import StrictJSON

/// Whose configurations a command looks at.
struct ClientOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Only this client: claude-desktop, claude-code, cursor, vscode, codex or copilot. May be repeated.", valueName: "client"))
    var client: [KnownClient] = []

    @Option(
        help: ArgumentHelp("The project whose files are looked at too; the current directory when absent.", valueName: "dir"),
        completion: .directory)
    var workspace: String?

    @Flag(help: "Print JSON, with a versioned `schema`.")
    var json = false

    func find() throws(CommandFailure) -> [ClientFiles.Found] {
        guard let home = Workspace.callersHome else {
            throw .failed("HOME is no absolute path, so the clients' configurations cannot be found")
        }
        let project: String
        do throws(SystemError) {
            project = try PathResolution.canonicalPath(workspace ?? ".")
        } catch {
            throw .failed(
                "the project \(printable(workspace ?? ".")) cannot be used (\(error.symbol)); name a directory with --workspace DIR")
        }
        return ClientFiles.find(client.isEmpty ? KnownClient.allCases : client, home: home, workspace: project)
    }
}
