internal import ArgumentParser
internal import CommandOutput
internal import Glovebox
internal import LinuxPrimitives
internal import SandboxPolicy

/// Part of the build: what it writes is of use to this very program alone.
struct PolicyCompileCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compile", abstract: "Compile the shipped policies for this build of Glovebox.", shouldDisplay: false)

    @Argument(help: "The directory to write to.") var directory: String

    func run() throws {
        let store = PolicyStore.standard()
        for entry in store.list() where entry.isShipped {
            guard let policy = try store.compile(entry.name) else { continue }
            do throws(SystemError) {
                try store.compiled.write(policy, to: directory)
            } catch {
                throw CommandFailure.failed("\(entry.name) could not be written to \(directory) (\(error))")
            }
        }
    }
}
