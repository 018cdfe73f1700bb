internal import SandboxLauncher

/// How a sealed call ended. The first cause wins: a tool that is killed for its memory and then exits is `memoryExceeded`.
public enum ToolOutcome: Sendable, Equatable {
    /// The tool's own exit status, 0…255.
    case exited(code: Int32)
    case signaled(signal: Int32)
    case timedOut(limit: Duration)
    case cpuExceeded(limit: Duration)
    /// Bytes.
    case memoryExceeded(limit: UInt64)
    /// Bytes; the stream is `stdout` or `stderr`.
    case outputLimitExceeded(limit: UInt64, stream: String)
    /// Bytes written to disk.
    case diskExceeded(limit: UInt64)
    /// Killed by the kernel for a call that is never legitimate.
    case violation(String)
    /// The task was cancelled; the tool's whole tree is dead.
    case cancelled
    /// The sandbox could not be built as the policy demands; the tool did not run.
    case setupFailed(stage: String, errno: Int32, message: String)
    /// The program is not there, or not reachable under the policy.
    case notFound(program: String)
    /// The program is there and may not be executed.
    case notExecutable(program: String, errno: Int32)
    /// `glovebox-launcher` died while the tool ran; the tool's tree is dead.
    case launcherDied

    /// The tool ran to its end and said that it succeeded.
    public var isSuccess: Bool { self == .exited(code: 0) }

    init(_ outcome: RunOutcome) {
        self =
            switch outcome {
            case .exited(let code): .exited(code: code)
            case .signaled(let signal): .signaled(signal: signal)
            case .timedOut(let limit): .timedOut(limit: .milliseconds(Int64(clamping: limit)))
            case .cpuExceeded(let limit): .cpuExceeded(limit: .milliseconds(Int64(clamping: limit)))
            case .memoryExceeded(let limit): .memoryExceeded(limit: limit)
            case .outputLimitExceeded(let limit, let stream): .outputLimitExceeded(limit: limit, stream: stream)
            case .diskExceeded(let limit): .diskExceeded(limit: limit)
            case .violation(let what): .violation(what)
            case .cancelled: .cancelled
            case .setupFailed(let stage, let errno, let message): .setupFailed(stage: stage, errno: errno, message: message)
            case .notFound(let program): .notFound(program: program)
            case .notExecutable(let program, let errno): .notExecutable(program: program, errno: errno)
            case .launcherDied: .launcherDied
            }
    }
}
