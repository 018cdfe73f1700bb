package import SandboxPolicy

/// One call to be sealed: what to run, under which confinement, and where its streams go.
package struct RunRequest: Sendable {
    /// argv; the first word is looked up in the sandbox's PATH when it has no slash. At least one, no NUL.
    package var arguments: [String]
    package var confinement: Confinement
    package var policyName: String
    /// `sha256:…` of the resolved policy.
    package var policyHash: String
    /// Absolute path inside; nil means the workspace, or `/tmp` when there is none.
    package var workingDirectory: String?
    /// Variables set by the caller for this call, over those of the policy.
    package var environment: [String: String]
    package var input: Input
    package var output: Output
    /// Device and inode of the workspace as it was checked; a different directory at its path stops the launch. Nil: not checked.
    package var workspaceIdentity: WorkspaceIdentity?
    /// Descriptor 3 of the tool, named by GLOVEBOX_CHANNEL. Nil: the tool has 0, 1 and 2 alone.
    package var channel: ToolChannel?

    /// Filters of this very policy that are compiled already.
    package var compiledFilters: [CompiledFilter] = []

    package struct WorkspaceIdentity: Sendable, Hashable {
        package var device: UInt64
        package var inode: UInt64
        package init(device: UInt64, inode: UInt64) {
            self.device = device
            self.inode = inode
        }
    }

    package enum Input: Sendable {
        /// `/dev/null`
        case none
        case bytes([UInt8])
        /// A descriptor of the caller, borrowed for the run (for example 0).
        case descriptor(Int32)
    }

    package enum Output: Sendable {
        /// Kept in memory: head and tail, `keep` bytes of each stream in all.
        case capture(keep: Int)
        /// Passed on live to the caller's descriptors; `sanitize` makes terminal escapes harmless, per stream.
        case forward(stdout: Int32, stderr: Int32, sanitizeStdout: Bool, sanitizeStderr: Bool)
        /// The tool gets a pty of ours, relayed to the caller's terminal (a descriptor, usually 0).
        case terminal(Int32)
    }

    package init(
        arguments: [String], confinement: Confinement, policyName: String, policyHash: String, workingDirectory: String? = nil,
        environment: [String: String] = [:], input: Input = .none, output: Output = .capture(keep: 512 << 10),
        workspaceIdentity: WorkspaceIdentity? = nil, channel: ToolChannel? = nil
    ) {
        self.arguments = arguments
        self.confinement = confinement
        self.policyName = policyName
        self.policyHash = policyHash
        self.workingDirectory = workingDirectory
        self.environment = environment
        self.input = input
        self.output = output
        self.workspaceIdentity = workspaceIdentity
        self.channel = channel
    }
}
