internal import ArgumentParser
internal import CommandOutput
internal import Glibc
internal import Glovebox
internal import LinuxPrimitives
internal import SandboxPolicy
internal import ToolBroker

/// Which tools there are: the shipped ones, the user's own, and those named for this command.
struct ToolOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "A manifest, or a directory of them, beside the shipped tools and ~/.config/glovebox/tools. May be repeated.",
            valueName: "path"),
        completion: .file())
    var tools: [String] = []

    func registry() throws -> ToolRegistry { try Self.registry(tools, option: "--tools") }

    /// - Parameter paths: manifests and directories that were named, with an option that is called like this.
    static func registry(_ paths: [String], option: String) throws -> ToolRegistry {
        let registry = ToolRegistry()
        let policies = PolicyStore.standard()
        guard let shipped = policies.shippedDirectory else {
            throw CommandFailure.failed("the shipped policies and tools were not found; install Glovebox with `make install`")
        }
        try registry.load(directory: shipped + "/tools")
        for directory in policies.userDirectories {
            // `…/glovebox/policies` has its tools beside it.
            let place = String(directory.dropLast("policies".count)) + "tools"
            guard let found = try? FileIdentity.of(path: place) else { continue }
            try requireOurs(found, place)
            try registry.load(directory: place)
        }
        for path in paths {
            let found: FileIdentity
            do throws(SystemError) {
                found = try FileIdentity.of(path: path)
            } catch {
                throw CommandFailure.failed("the tools of \(path) cannot be read (\(error.symbol)); check \(option)")
            }
            if found.isDirectory { try registry.load(directory: path) } else { try registry.register(try ToolRegistry.read(path)) }
        }
        return registry
    }

    /// What is found without being named may have been put there by this user and root alone.
    private static func requireOurs(_ found: FileIdentity, _ path: String) throws(CommandFailure) {
        guard found.uid == 0 || found.uid == geteuid() else {
            throw .failed("the tools of \(path) belong to another user (\(found.uid)); name them with --tools, if you trust them")
        }
        if found.mode & 0o022 != 0 { throw .failed("others may write the tools of \(path); run: chmod go-w \(path)") }
    }
}
