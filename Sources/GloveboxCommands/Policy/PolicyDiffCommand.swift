internal import ArgumentParser
internal import CommandOutput
internal import Glovebox
internal import SandboxPolicy

struct PolicyDiffCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Say what the second policy allows and the first does not, and the other way round.",
        discussion: "Compared is what the policies mean, not their text. Exit code 1 when they differ.")

    @Argument(help: "The policy that is there.") var old: String
    @Argument(help: "The policy that would take its place.") var new: String
    @Flag(help: "Print JSON (glovebox.policy-diff/1).") var json = false

    func run() throws {
        let store = PolicyStore.standard()
        let diff = PolicyDiff(from: try store.load(old), to: try store.load(new))
        if json { Console.printJSON(diff.value) } else { Console.write(diff.text, to: 1) }
        if !diff.isEmpty { throw ExitCode(ExitStatus.negative) }
    }
}
