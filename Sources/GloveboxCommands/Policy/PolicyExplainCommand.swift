internal import ArgumentParser
internal import CommandOutput
internal import Glovebox
internal import SandboxPolicy

struct PolicyExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say in plain words what a policy lets a tool do, and what enforces each line.")

    @Argument(help: "A policy by its name or by the path of its file.") var policy = "workspace"
    @Option(help: ArgumentHelp("The workspace to speak of.", valueName: "dir[:ro|:rw]"), completion: .directory)
    var workspace: String?
    @Flag(help: "Leave out what enforces each line.") var brief = false
    @OptionGroup var options: PolicyOptions
    @Flag(help: "Print JSON (glovebox.explain/1).") var json = false

    /// Stands for a directory that nobody has named.
    static let anyWorkspace = "/WORKSPACE"

    func run() throws {
        let loaded = try options.load(policy)
        var place: Workspace?
        if let workspace {
            var path = workspace
            if path.hasSuffix(":ro") || path.hasSuffix(":rw") { path.removeLast(3) }
            place = try Workspace(checking: path, writable: !workspace.hasSuffix(":ro"))
        }
        let steps = try loaded.derivation(workspace: place?.path ?? Self.anyWorkspace, workspaceWritable: place?.isWritable ?? true)
        if json { return Console.printJSON(ExplainText.value(loaded, steps: steps)) }
        Console.write(ExplainText.render(loaded, steps: steps, mechanisms: !brief), to: 1)
    }
}
