internal import ArgumentParser
internal import Glovebox

/// The tree of commands.
struct GloveboxCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "glovebox",
        abstract: "Runs untrusted tools sealed: confined by the kernel to what a policy allows, with a receipt.",
        discussion: """
            glovebox run -- python3 script.py
              The current directory is the workspace; nothing else of yours is there.
            glovebox run --policy compute -- /opt/tool
              No files of yours at all.
            glovebox policy explain workspace
              What a policy means, in plain words.
            glovebox doctor
              What this host can enforce.
            glovebox agent spawn --preset edit --goal "mend the test"
              An agent; every call of it is decided, sealed and recorded.

            Exit codes: the tool's own; 124 timeout; 125 Glovebox could not run it; \
            126 denied or not executable; 127 not found; 128+n signal; 64 usage.
            """,
        version: "glovebox \(GloveboxVersion.current)",
        subcommands: [RunHelp.self, PolicyCommand.self] + RuntimeCommands.all.map { $0 as any ParsableCommand.Type }
            + [ServeCommand.self, PoolCommand.self, DoctorCommand.self, VersionCommand.self])
}

/// Help of one command, as `glovebox help` prints it.
enum HelpPage {
    static func show(_ path: [String]) -> Int32 { GloveboxProgram.parse(["help"] + path) }
}
