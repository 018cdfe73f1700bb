internal import ArgumentParser
internal import CommandOutput

/// What `glovebox help run` and the completions know of `run`. The words themselves are read by `RunArguments`, whose options
/// these must name one for one (a test compares them).
struct RunHelp: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run one command sealed.",
        usage: "glovebox run [options] -- PROGRAM [ARGUMENT…]",
        discussion: """
            The tool's output passes through live; what it was denied is told on standard error when it has ended. Without \
            --policy it is the policy `workspace` with the current directory. Where `glovebox serve` runs, it takes the call; that \
            changes nothing but the time.

            glovebox run --timeout 30s -- make test
            glovebox run --policy build --workspace ~/src/app -- make
            glovebox run --allow filesystem:host:/opt/data=read,execute -- /opt/data/tool
            """)

    @Option(help: ArgumentHelp("A policy by its name or by the path of its file.", valueName: "policy"))
    var policy: String?

    @Option(
        help: ArgumentHelp("The directory that the tool works in, `:ro` to keep it unchanged.", valueName: "dir[:ro|:rw]"),
        completion: .directory)
    var workspace: String?

    @Option(help: ArgumentHelp("Allow more for this run; never what the policy denies.", valueName: "resource=right,…"))
    var allow: [String] = []

    @Option(help: ArgumentHelp("Deny more for this run.", valueName: "resource=right,…"))
    var deny: [String] = []

    @Option(help: ArgumentHelp("Set a variable; the tool gets none of yours by itself.", valueName: "name=value"))
    var env: [String] = []

    @Option(help: ArgumentHelp("Wall-clock limit: 500ms, 60s, 5m, 1h.", valueName: "duration"))
    var timeout: String?

    @Flag(help: "Keep the output and print only a report (glovebox.run/1) as JSON.")
    var json = false

    @Option(help: ArgumentHelp("Write the report to a file.", valueName: "file"), completion: .file())
    var report: String?

    @Flag(name: [.customShort("t"), .long], help: "Give an interactive program a terminal of its own.")
    var terminal = false

    @Option(help: ArgumentHelp("Directory to start in: absolute, or in the workspace.", valueName: "dir"))
    var cwd: String?

    @Flag(name: .shortAndLong, help: "No summary on standard error.")
    var quiet = false

    @Flag(name: .customLong("no-server"), help: "Build the sandbox here, even where `glovebox serve` runs.")
    var noServer = false

    @Argument(help: ArgumentHelp("The program and its arguments, after `--`.", valueName: "command"))
    var command: [String] = []

    /// Reached only past `run` as the first word: `glovebox --option run …`.
    func run() throws {
        throw CommandFailure.usage("write `run` first: glovebox run [options] -- PROGRAM [ARGUMENT…]")
    }
}
