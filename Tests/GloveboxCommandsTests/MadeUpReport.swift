import SandboxLauncher

/// A report with something in every field.
enum MadeUpReport {
    static func make(_ outcome: RunOutcome = .exited(code: 3)) -> RunReport {
        var usage = RunUsage()
        usage.wallMicroseconds = 1500
        usage.cpuMicroseconds = 700
        usage.peakMemoryBytes = 4096
        usage.stdoutBytes = 5
        usage.diskBytes = 10
        usage.createdFiles = 1
        return RunReport(
            outcome: outcome, usage: usage,
            receipt: [ReceiptEntry(layer: "landlock", state: .partial, detail: "ABI 3 of 9 known")], violations: [], violationsDropped: 0,
            limitHits: [], policyName: "workspace", policyHash: "sha256:00", stages: [("prepare", 12), ("exec", 30)],
            stdout: CapturedOutput(head: Array("hello".utf8), totalBytes: 5), stderr: CapturedOutput())
    }

    static func violation(_ arguments: String = "AF_VSOCK, SOCK_STREAM, 0", program: String = "python3", count: UInt64 = 1) -> Violation {
        Violation(
            layer: "seccomp", syscall: "socket", arguments: arguments, pid: 7, program: program, count: count, answer: "EPERM",
            reason: "this family reaches the host", allowedBy: nil, rule: nil)
    }

    static let outcomes: [(outcome: RunOutcome, exitCode: Int32)] = [
        (.exited(code: 0), 0), (.exited(code: 3), 3), (.signaled(signal: 11), 139), (.timedOut(limitMilliseconds: 1000), 124),
        (.cpuExceeded(limitMilliseconds: 1000), 137), (.memoryExceeded(limit: 1024), 137),
        (.outputLimitExceeded(limit: 1024, stream: "stdout"), 137), (.diskExceeded(limit: 1024), 137), (.violation("x32"), 159),
        (.cancelled, 137), (.setupFailed(stage: "mounts", errno: 1, message: "m"), 125), (.notFound(program: "p"), 127),
        (.notExecutable(program: "p", errno: 13), 126), (.launcherDied, 125),
    ]
}
