/// A server's command as `glovebox mcp run … -- COMMAND`.
package struct SealedCommand: Sendable, Equatable {
    /// What is said of the seal.
    package struct Seal: Sendable, Equatable {
        package var program: String
        package var policy: String
        package var name: String
        /// Names of variables that go through to the server.
        package var environment: [String]
        package var workspace: String?
        /// `RESOURCE=RIGHT[,RIGHT]`
        package var allowed: [String]

        package init(
            program: String, policy: String, name: String, environment: [String] = [], workspace: String? = nil, allowed: [String] = []
        ) {
            self.program = program
            self.policy = policy
            self.name = name
            self.environment = environment
            self.workspace = workspace
            self.allowed = allowed
        }

        /// The words before the server's own command.
        package var words: [String] {
            var words = ["mcp", "run", "--policy", policy, "--name", name]
            if let workspace { words += ["--workspace", workspace] }
            for resource in allowed { words += ["--allow", resource] }
            for variable in environment { words += ["--env", variable] }
            return words + ["--"]
        }
    }

    /// Nil: the default of `mcp run`.
    package var policy: String?
    /// The server's own command begins at this argument.
    package var commandIndex: Int

    /// Nil when the command is none of ours: another program, or ours for something else.
    /// - Parameter ownPrograms: absolute paths of our own program. A bare name is looked for on PATH, which is the user's; any other
    ///   path could be anybody's program of the same name.
    package static func of(_ command: ServerCommand, ownPrograms: Set<String>) -> SealedCommand? {
        guard isOwn(command.program, ownPrograms), command.arguments.count >= 4, command.arguments[0] == "mcp",
            command.arguments[1] == "run", let dashes = command.arguments.firstIndex(of: "--"), dashes + 1 < command.arguments.count
        else { return nil }
        var policy: String?
        for index in 2..<dashes {
            let word = command.arguments[index]
            if word == "--policy", index + 1 < dashes { policy = command.arguments[index + 1] }
            if word.hasPrefix("--policy=") { policy = String(word.dropFirst("--policy=".count)) }
        }
        return SealedCommand(policy: policy, commandIndex: dashes + 1)
    }

    /// `glovebox mcp serve`: tools of our own, each call in a sandbox.
    package static func isOurServer(_ command: ServerCommand, ownPrograms: Set<String>) -> Bool {
        isOwn(command.program, ownPrograms) && command.arguments.starts(with: ["mcp", "serve"])
    }

    private static func isOwn(_ program: String, _ ownPrograms: Set<String>) -> Bool {
        program == "glovebox" || ownPrograms.contains(program)
    }

    /// A variable of the entry that would act on our program itself, before it seals anything.
    package static func treacherousVariable(_ names: [String]) -> String? {
        names.first { $0 == "PATH" || $0.hasPrefix("LD_") || $0 == "GLIBC_TUNABLES" || $0.hasPrefix("GLOVEBOX_") }
    }

    /// A variable of the entry that moves where our program looks for policies and keeps records, or what its runtime starts.
    package static func misleadingVariable(_ names: [String]) -> String? {
        names.first { $0 == "HOME" || $0.hasPrefix("XDG_") || $0.hasPrefix("SWIFT_") }
    }
}
