internal import SandboxLauncher

/// Everything that is known of one sealed call after it ended.
public struct ToolRun: Sendable, Equatable {
    public let outcome: ToolOutcome
    /// What `glovebox run` would exit with: the tool's own code; 124 timeout, 125 not run, 126 not executable, 127 not found,
    /// 128+n signal.
    public let exitCode: Int32
    public let standardOutput: ToolOutput
    public let standardError: ToolOutput
    public let usage: ToolUsage
    /// What was enforced, layer by layer, as the kernel accepted it.
    public let receipt: [ToolReceiptEntry]
    /// Calls that enforcement refused; equal ones are counted.
    public let violations: [ToolViolation]
    /// Violations beyond the recorded ones: a flood is counted, not stored.
    public let violationsDropped: UInt64
    public let policyName: String
    /// `sha256:…` of the resolved policy.
    public let policyHash: String

    init(_ report: RunReport) {
        outcome = ToolOutcome(report.outcome)
        exitCode = report.outcome.exitCode
        standardOutput = ToolOutput(report.stdout)
        standardError = ToolOutput(report.stderr)
        usage = ToolUsage(
            wall: .microseconds(Int64(clamping: report.usage.wallMicroseconds)),
            cpu: .microseconds(Int64(clamping: report.usage.cpuMicroseconds)), peakMemoryBytes: report.usage.peakMemoryBytes,
            diskBytes: report.usage.diskBytes, createdFiles: report.usage.createdFiles)
        receipt = report.receipt.map { ToolReceiptEntry(layer: $0.layer, state: .init($0.state), detail: $0.detail) }
        violations = report.violations.map(ToolViolation.init)
        violationsDropped = report.violationsDropped
        policyName = report.policyName
        policyHash = report.policyHash
    }
}

/// What a tool wrote to one stream: its head and its tail; what lay between them is counted and gone.
///
/// The bytes are the tool's and may hold terminal escapes: clean them before they are printed.
public struct ToolOutput: Sendable, Equatable, CustomStringConvertible {
    public let head: [UInt8]
    public let tail: [UInt8]
    /// Bytes that the tool wrote in all.
    public let totalBytes: UInt64

    init(_ output: CapturedOutput) {
        head = output.head
        tail = output.tail
        totalBytes = output.totalBytes
    }

    public var cutBytes: UInt64 { totalBytes - min(totalBytes, UInt64(head.count + tail.count)) }

    /// Head and tail as text, bytes that are no UTF-8 replaced, with a line between them that counts what was cut.
    public var description: String {
        guard cutBytes > 0 else { return String(decoding: head + tail, as: UTF8.self) }
        return String(decoding: head, as: UTF8.self) + "\n[… \(cutBytes) bytes cut …]\n" + String(decoding: tail, as: UTF8.self)
    }
}

/// What a call used up.
public struct ToolUsage: Sendable, Equatable {
    public let wall: Duration
    /// Of the whole tree.
    public let cpu: Duration
    /// Of the whole tree where a cgroup counts it, of its largest process otherwise.
    public let peakMemoryBytes: UInt64
    public let diskBytes: UInt64
    /// Names created: files, directories, links.
    public let createdFiles: UInt64
}

/// What one protection was.
public struct ToolReceiptEntry: Sendable, Equatable {
    public enum State: String, Sendable {
        case enforced, partial
        /// The policy lets it be missing on this host, and it is.
        case waived
        /// Not asked for.
        case absent

        init(_ state: ReceiptEntry.State) {
            self =
                switch state {
                case .enforced: .enforced
                case .partial: .partial
                case .waived: .waived
                case .absent: .absent
                }
        }
    }

    /// For example `landlock`.
    public let layer: String
    public let state: State
    /// One line for people.
    public let detail: String
}

/// A call of the tool that enforcement refused.
public struct ToolViolation: Sendable, Equatable {
    /// `seccomp`, `name-denial`, `created-limit`, `disk-limit` or `network`.
    public let layer: String
    public let syscall: String
    /// Decoded, for example `AF_VSOCK, SOCK_STREAM, 0`. Parts come from the tool: clean them before they are printed.
    public let arguments: String
    public let processID: Int32
    public let program: String
    public let count: UInt64
    /// What the tool saw, for example `EPERM`.
    public let answer: String
    public let reason: String
    /// The smallest policy line that would allow it; nil when no policy can.
    public let allowedBy: String?
    /// `file:line` of the rule that refused it, when one did.
    public let rule: String?

    init(_ violation: Violation) {
        layer = violation.layer
        syscall = violation.syscall
        arguments = violation.arguments
        processID = violation.pid
        program = violation.program
        count = violation.count
        answer = violation.answer
        reason = violation.reason
        allowedBy = violation.allowedBy
        rule = violation.rule
    }
}
