internal import CLinuxShims

/// A spec has three parts: what every sandbox of its kind has, what is one sandbox's own, and what is one call's own.
extension LaunchSpec {
    /// The first part alone. Equal ones make equal sandboxes.
    var kind: LaunchSpec {
        var spec = self
        (spec.arguments, spec.environment, spec.workingDirectory, spec.searchPath) = ([], [], "/", "")
        return spec
    }

    /// Gives the sandbox what is its own: the tool's ids on the host, and the page where its one `execve` is known by.
    mutating func personalize(user: UInt32, group: UInt32) throws(LaunchError) {
        guard user != 0, group != 0 else {
            throw LaunchError(.malformed, "a tool can never be the host's root", mend: "report this as a defect")
        }
        (outerUser, outerGroup) = (user, group)
        guard let place = execPointer else { return }
        execPage = try Self.randomPage()
        filter = FilterProgram(bytes: filter, execPointer: place).patched(execPointer: execPage)
        execPointer = nil
    }

    /// The third part, for a sandbox that stands already.
    ///
    /// - Parameter narrowing: what the call allows less than the sandbox.
    func start(of sandbox: LaunchSpec, narrowing: SandboxFit.Narrowing) -> LaunchSpec {
        var start = LaunchSpec()
        start.flags = .start
        (start.arguments, start.environment, start.workingDirectory, start.searchPath) = (
            arguments, environment, workingDirectory, searchPath
        )
        (start.hostname, start.rootBytes, start.rootInodes) = ("", 0, 0)
        (start.innerID, start.outerUser, start.outerGroup) = (sandbox.innerID, sandbox.outerUser, sandbox.outerGroup)
        if narrowing.contains(.limits) { start.resourceLimits = resourceLimits }
        if narrowing.contains(.paths) {
            start.flags.insert(.landlock)
            start.landlock = landlock
            start.pathRules = pathRules
        }
        return start
    }

    /// An address in user space that the tool cannot guess; far from where the kernel puts programs, libraries and stacks.
    private static func randomPage() throws(LaunchError) -> UInt64 {
        var random: UInt64 = 0
        guard gbx_random(&random, 8) >= 0 else {
            throw LaunchError(.exhausted, "the kernel gives no random numbers", mend: "run `glovebox doctor`")
        }
        return 0x1000_0000_0000 + (random & 0x1FF_FFFF_F000)
    }
}
