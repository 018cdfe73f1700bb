internal import ArgumentParser
internal import CommandOutput
internal import Glovebox
internal import LinuxPrimitives
internal import SandboxPolicy

struct PolicyExplainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Say in plain words what a policy lets a tool do; with --mechanisms, what enforces each line.")

    @Argument(help: "A policy by its name or by the path of its file.") var policy = "workspace"
    @Option(help: ArgumentHelp("The workspace to speak of.", valueName: "dir[:ro|:rw]"), completion: .directory)
    var workspace: String?
    @Flag(help: "Also say what in the kernel enforces each line.") var mechanisms = false
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
        let path = place?.path ?? Self.anyWorkspace
        let steps = try loaded.derivation(workspace: path, workspaceWritable: place?.isWritable ?? true)
        if json { return Console.printJSON(ExplainText.value(loaded, steps: steps)) }
        let look = TextStyle.of(1)
        let style = ExplainStyle(
            width: Self.width(), mechanisms: mechanisms, workspace: path, isPlaceholder: place == nil,
            paint: { text, role in look(text, role == .heading ? .bold : .dim) })
        Console.write(ExplainText.render(loaded, steps: steps, style: style), to: 1)
    }

    /// Columns of the terminal; 80 elsewhere, and where a terminal does not say.
    private static func width() -> Int {
        guard TerminalWindow.isTerminal(1), let window = try? TerminalWindow(of: 1), window.columns > 0 else { return 80 }
        return max(40, Int(window.columns))
    }
}
