internal import SandboxPolicy

/// How a run ended. The first cause wins: a tool that is killed for its memory and then exits is `memoryExceeded`.
///
/// An outcome is a value, not an error: a sandbox that could not be built is `setupFailed`, and nothing of the tool ran.
package enum RunOutcome: Sendable, Equatable {
    /// The tool's own exit status, 0…255.
    case exited(code: Int32)
    case signaled(signal: Int32)
    /// The wall-clock limit, milliseconds.
    case timedOut(limitMilliseconds: UInt64)
    /// CPU time of the whole tree, milliseconds.
    case cpuExceeded(limitMilliseconds: UInt64)
    /// Bytes.
    case memoryExceeded(limit: UInt64)
    /// Bytes; the stream is `stdout` or `stderr`, or `terminal` where both are one.
    case outputLimitExceeded(limit: UInt64, stream: String)
    /// Bytes written to disk.
    case diskExceeded(limit: UInt64)
    /// The kernel killed the tool for a call that is never legitimate (foreign architecture).
    case violation(String)
    case cancelled
    /// The sandbox was not built; the tool did not run.
    case setupFailed(stage: String, errno: Int32, message: String)
    /// The program is not there, or not reachable under the policy.
    case notFound(program: String)
    /// The program is there and may not be executed.
    case notExecutable(program: String, errno: Int32)
    /// glovebox-launcher died while the tool ran; its tree is dead.
    case launcherDied

    /// design.md section 8: 124 timeout, 125 not run, 126 denied or not executable, 127 not found, 128+n signal.
    package var exitCode: Int32 {
        switch self {
        case .exited(let code): code
        case .signaled(let signal): 128 + signal
        case .timedOut: 124
        case .cpuExceeded, .memoryExceeded, .outputLimitExceeded, .diskExceeded, .cancelled: 128 + 9
        case .violation: 128 + 31
        case .setupFailed, .launcherDied: 125
        case .notFound: 127
        case .notExecutable: 126
        }
    }

    /// Word for machines: the `kind` of the outcome in a run report.
    package var kind: String {
        switch self {
        case .exited: "exited"
        case .signaled: "signaled"
        case .timedOut: "timed_out"
        case .cpuExceeded: "cpu_exceeded"
        case .memoryExceeded: "memory_exceeded"
        case .outputLimitExceeded: "output_limit_exceeded"
        case .diskExceeded: "disk_exceeded"
        case .violation: "violation"
        case .cancelled: "cancelled"
        case .setupFailed: "setup_failed"
        case .notFound: "not_found"
        case .notExecutable: "not_executable"
        case .launcherDied: "launcher_died"
        }
    }
}

/// A call that enforcement refused, with the policy line that would allow it. Equal ones are counted, not repeated.
package struct Violation: Sendable, Equatable {
    /// `seccomp`, `name-denial`, `created-limit`, `disk-limit`, `network`
    package var layer: String
    package var syscall: String
    /// Decoded arguments, for example `AF_VSOCK, SOCK_STREAM, 0`.
    package var arguments: String
    /// Host pid and program of the first caller.
    package var pid: Int32
    package var program: String
    package var count: UInt64
    /// What the tool saw, for example `EPERM`.
    package var answer: String
    /// Why, in one sentence.
    package var reason: String
    /// The smallest policy line that would allow it, or nil when no policy can.
    package var allowedBy: String?
    /// Rule that refused it, when one did (`file:line`).
    package var rule: String?

    package init(
        layer: String, syscall: String, arguments: String, pid: Int32, program: String, count: UInt64 = 1, answer: String, reason: String,
        allowedBy: String?, rule: String? = nil
    ) {
        self.layer = layer
        self.syscall = syscall
        self.arguments = arguments
        self.pid = pid
        self.program = program
        self.count = count
        self.answer = answer
        self.reason = reason
        self.allowedBy = allowedBy
        self.rule = rule
    }
}

/// What one protection was asked to be and what it was.
package struct ReceiptEntry: Sendable, Equatable {
    package enum State: String, Sendable {
        case enforced, partial, waived
        /// Not asked for by this policy (for example the channel descriptor).
        case absent
    }
    package var layer: String
    package var state: State
    /// One line a person understands: `ABI 7 of 9 coded; 12 path rules; scopes signal, abstract sockets`.
    package var detail: String

    package init(layer: String, state: State, detail: String) {
        self.layer = layer
        self.state = state
        self.detail = detail
    }
}

/// What a run used.
package struct RunUsage: Sendable, Equatable {
    package var wallMicroseconds: UInt64 = 0
    package var cpuMicroseconds: UInt64 = 0
    /// Most resident memory of the largest process, bytes (`ru_maxrss`), or of the whole tree where a cgroup counts it.
    package var peakMemoryBytes: UInt64 = 0
    package var stdoutBytes: UInt64 = 0
    package var stderrBytes: UInt64 = 0
    package var diskBytes: UInt64 = 0
    package var createdFiles: UInt64 = 0
    package init() {}
}

/// A limit that made itself felt.
package struct LimitHit: Sendable, Equatable {
    /// A `LimitName`.
    package var limit: String
    /// The limit with its unit, for example `64` or `512MiB`.
    package var value: String
    package var detail: String
    package init(limit: String, value: String, detail: String) {
        self.limit = limit
        self.value = value
        self.detail = detail
    }
}

/// Everything that is known of one run afterwards: `glovebox.run/1`.
package struct RunReport: Sendable {
    package var outcome: RunOutcome
    package var usage: RunUsage
    package var receipt: [ReceiptEntry]
    package var violations: [Violation]
    /// Violations beyond the recorded ones (a flood is counted, not stored).
    package var violationsDropped: UInt64
    package var limitHits: [LimitHit]
    package var policyName: String
    package var policyHash: String
    /// Name of each launch stage and its microseconds, in order.
    package var stages: [(name: String, microseconds: UInt64)]
    package var stdout: CapturedOutput
    package var stderr: CapturedOutput
    /// Whether the sandbox stood before the call came.
    package var launch: LaunchKind

    package init(
        outcome: RunOutcome, usage: RunUsage, receipt: [ReceiptEntry], violations: [Violation], violationsDropped: UInt64,
        limitHits: [LimitHit], policyName: String, policyHash: String, stages: [(name: String, microseconds: UInt64)],
        stdout: CapturedOutput, stderr: CapturedOutput, launch: LaunchKind = .cold
    ) {
        self.outcome = outcome
        self.usage = usage
        self.receipt = receipt
        self.violations = violations
        self.violationsDropped = violationsDropped
        self.limitHits = limitHits
        self.policyName = policyName
        self.policyHash = policyHash
        self.stages = stages
        self.stdout = stdout
        self.stderr = stderr
        self.launch = launch
    }
}

/// The head and the tail of a stream; what lay between them is gone and counted.
package struct CapturedOutput: Sendable, Equatable {
    package var head: [UInt8]
    package var tail: [UInt8]
    package var totalBytes: UInt64

    package init(head: [UInt8] = [], tail: [UInt8] = [], totalBytes: UInt64 = 0) {
        self.head = head
        self.tail = tail
        self.totalBytes = totalBytes
    }

    package var cutBytes: UInt64 { totalBytes - UInt64(head.count) - UInt64(tail.count) }
}
