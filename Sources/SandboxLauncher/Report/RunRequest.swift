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
    /// What a policy's `pass` takes its values from. Nil: this process's own environment.
    package var callersVariables: [String: String]?
    package var input: Input
    package var output: Output
    /// Device and inode of the workspace as it was checked; a different directory at its path stops the launch. Nil: not checked.
    package var workspaceIdentity: WorkspaceIdentity?
    /// Descriptor 3 of the tool, named by GLOVEBOX_CHANNEL. Nil: the tool has 0, 1 and 2 alone.
    package var channel: ToolChannel?

    /// A program that may serve this call in place of the words above, when one of it waits. A call that it cannot serve must not name
    /// it: what is set there decides, not what the call asks for.
    package var parkable: ParkableProgram?

    /// Held over `channel` while the tool runs.
    package var conversation: (any RunConversation)?

    /// Filters of this very policy that are compiled already.
    package var compiledFilters: [CompiledFilter] = []

    /// Told of each refused call at once, on the run's thread and before the tool learns of it; not of those beyond the number that is
    /// recorded in detail. It must not wait.
    package var onViolation: (@Sendable (Violation) -> Void)?

    /// Whether files that are opened are looked at on their way, so that a look at a person's secrets becomes a violation although
    /// nothing of them is there. Each opening then takes some microseconds more: for tools that live long.
    package var watchesOpening = false

    /// Told of the run while it lasts.
    package var monitor: RunMonitor?

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
        /// The reading end of a pipe of the caller's, who writes to the other one as long as the tool runs.
        case attached(ToolStream)
    }

    package enum Output: Sendable {
        /// Kept in memory: head and tail, `keep` bytes of each stream in all.
        case capture(keep: Int)
        /// Passed on live to the caller's descriptors; `sanitize` makes terminal escapes harmless, per stream.
        case forward(stdout: Int32, stderr: Int32, sanitizeStdout: Bool, sanitizeStderr: Bool)
        /// The tool gets a pty of ours, relayed to the caller's terminal (a descriptor, usually 0).
        case terminal(Int32)
        /// Standard output is the writing end of a pipe of the caller's, who reads the other one and bounds what it takes; standard
        /// error is passed on live as far as the caller takes it, and left out where not. Neither has a limit in all: such a tool lives as long as somebody talks with it.
        case attached(ToolStream, stderr: Int32, sanitizeStderr: Bool)
        /// Both streams are the writing ends of pipes of the caller's, who reads the other ones and bounds what it takes.
        case pipes(stdout: ToolStream, stderr: ToolStream)
    }

    /// The tool is a server: it is looked at less often, because it mostly waits.
    var isAttached: Bool {
        switch output {
        case .attached, .pipes: true
        case .capture, .forward, .terminal: false
        }
    }

    var isOnTerminal: Bool { if case .terminal = output { true } else { false } }

    /// What the caller attached is the tool's by now, or the run came to no start.
    func releaseStreams() {
        if case .attached(let stream) = input { stream.close() }
        switch output {
        case .attached(let stream, _, _): stream.close()
        case .pipes(let stdout, let stderr):
            stdout.close()
            stderr.close()
        case .capture, .forward, .terminal: break
        }
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
