internal import LibOSModel
internal import SandboxLauncher
internal import SandboxPolicy
internal import StrictJSON

/// What a run's outcome means for its call.
enum RunVerdict {
    /// False only where it is proved that nothing of the tool was executed.
    static func hasStarted(_ outcome: RunOutcome) -> Bool {
        switch outcome {
        case .setupFailed, .notFound, .notExecutable: false
        default: true
        }
    }

    /// Nil for a tool that ended by itself.
    static func failure(_ report: RunReport, isCancelled: Bool) -> (failure: ToolFailure, decision: PolicyDecision)? {
        let details = JSONValue.object([
            "outcome": RunReportJSON.outcome(report.outcome),
            "violations": .array(report.violations.prefix(8).map(RunReportJSON.violation)),
        ])
        func limited(_ name: LimitName, _ value: UInt64, _ code: ToolFailure.Code = .execution) -> (ToolFailure, PolicyDecision) {
            let rule = "limits.\(name.rawValue) \(name.text(value))"
            let reason = "the tool was ended at its limit \(name.rawValue): \(name.text(value))"
            return (
                ToolFailure(
                    code, reason, isRetryable: code == .timeout, details: details,
                    denial: Denial(layer: .sandbox, rule: rule, reason: reason, suggestion: "a larger `\(name.rawValue)` in the policy")),
                .resourceLimit
            )
        }
        func refused(_ reason: String, _ rule: String, _ decision: PolicyDecision, suggestion: String? = nil) -> (
            ToolFailure, PolicyDecision
        ) {
            (
                ToolFailure(
                    decision == .sandboxUnavailable ? .unsupported : .denied, reason, details: details,
                    denial: Denial(layer: .sandbox, rule: rule, reason: reason, suggestion: suggestion)), decision
            )
        }
        switch report.outcome {
        case .exited: return nil
        case .timedOut(let limit): return limited(.wall, limit, .timeout)
        case .cpuExceeded(let limit): return limited(.cpu, limit)
        case .memoryExceeded(let limit): return limited(.memory, limit)
        case .outputLimitExceeded(let limit, _): return limited(.output, limit)
        case .diskExceeded(let limit): return limited(.disk, limit)
        case .violation(let message): return refused(message, "seccomp", .sandboxDenied)
        case .signaled(let signal):
            return (ToolFailure(.execution, "the tool was ended by signal \(signal)", details: details), .allow)
        case .cancelled: return (ToolFailure(.execution, "the call was cancelled", isRetryable: true, details: details), .allow)
        case .setupFailed(let stage, _, let message): return refused(message, "launch stage \(stage)", .sandboxUnavailable)
        case .launcherDied:
            return (ToolFailure(.transient, "glovebox-launcher died while the tool ran", details: details), .sandboxUnavailable)
        case .notFound(let program):
            return refused(
                "the program \(printable(program)) is not there, or not reachable under the policy \(report.policyName)", "program",
                .sandboxDenied, suggestion: "allow shell:\(printable(program)) execute")
        case .notExecutable(let program, let number):
            return refused(
                "the program \(printable(program)) may not be executed (errno \(number))", "program", .sandboxDenied,
                suggestion: "allow shell:\(printable(program)) execute")
        }
    }
}

/// stdout, stderr and exit status of a command as its result.
enum CommandOutput {
    /// Bytes that are kept of each stream.
    static let kept = 200_000

    static func value(_ report: RunReport) -> ToolOutput {
        var code: JSONValue = .null
        if case .exited(let status) = report.outcome { code = .int(Int64(status)) }
        let stdout = text(report.stdout)
        let stderr = text(report.stderr)
        let violations = report.violations.prefix(8).map(RunReportJSON.violation)
        return ToolOutput(
            data: .object([
                "returncode": code, "stdout": .string(stdout), "stderr": .string(stderr),
                "stdout_truncated": .bool(report.stdout.cutBytes > 0), "stderr_truncated": .bool(report.stderr.cutBytes > 0),
            ]), content: stdout.isEmpty ? stderr : stdout,
            metadata: violations.isEmpty ? .object([]) : .object(["violations": .array(Array(violations))]))
    }

    private static func text(_ output: CapturedOutput) -> String {
        let gap = output.cutBytes > 0 ? Array("\n[… \(output.cutBytes) bytes …]\n".utf8) : []
        return TerminalText.cleaned(String(decoding: output.head + gap + output.tail, as: UTF8.self))
    }
}
