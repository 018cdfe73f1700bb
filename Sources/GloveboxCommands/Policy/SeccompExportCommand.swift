internal import ArgumentParser
internal import CommandOutput
internal import SandboxPolicy

struct SeccompExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Print a policy's system call filter as a profile for Docker and OCI runtimes.",
        discussion: "Only the filter: mounts, Landlock rules and limits have no place in that form.")

    @Argument(help: "A policy by its name or by the path of its file.") var policy: String
    @OptionGroup var options: PolicyOptions

    func run() throws {
        let loaded = try options.load(policy)
        let confinement = try loaded.confinement(workspace: PolicyExplainCommand.anyWorkspace, workspaceWritable: true)
        let demands = FilterDemands(mediateCreation: false, mediateMemfd: false, mediateNetwork: false, canNotify: false)
        do {
            let specification = try SyscallCatalogue.specification(
                for: confinement.syscalls, maySpawn: confinement.maySpawn, network: confinement.network, demands: demands)
            Console.printJSON(try OCIProfile.write(specification))
        } catch let error as SyscallRuleError {
            throw CommandFailure.failed("\(loaded.name): \(error.description)")
        } catch let error as OCIProfileError {
            throw CommandFailure.failed("\(loaded.name): this filter cannot be written as a profile: \(error.description)")
        }
    }
}
