internal import CommandOutput
internal import Glibc
internal import SandboxLauncher
internal import SandboxPolicy

/// What a person is told after a run, and only when something was denied, killed or limited.
enum RunSummary {
    /// Violations that are spelled out; a report has all of them.
    static let mostViolations = 8

    static func lines(_ report: RunReport, style: TextStyle) -> [String] {
        var lines: [String] = []
        if let sentence = sentence(report.outcome) { lines.append(style("glovebox:", .bold) + " " + style(sentence, .red)) }
        for hit in report.limitHits where hit.limit != limitNamed(by: report.outcome)?.rawValue {
            let limit = "\(SafeText.line(hit.limit)) (\(SafeText.line(hit.value)))"
            lines.append(style("glovebox:", .bold) + " limit \(limit): " + SafeText.line(hit.detail))
        }
        for violation in report.violations.prefix(mostViolations) { lines += self.lines(violation, style) }
        let more = UInt64(max(0, report.violations.count - mostViolations)) + report.violationsDropped
        if more > 0 { lines.append(style("glovebox:", .bold) + " and \(more) more refused calls; --report FILE lists what was kept") }
        return lines
    }

    private static func lines(_ violation: Violation, _ style: TextStyle) -> [String] {
        let times = violation.count > 1 ? "\(violation.count) times " : ""
        let call = "\(SafeText.line(violation.syscall))(\(shortened(violation.arguments)))"
        var lines = [
            style("glovebox:", .bold) + " refused \(times)" + style(call, .yellow) + " by \(shortened(violation.program))"
                + " [\(violation.pid)]: \(SafeText.line(violation.answer))"
        ]
        lines.append("  why:   \(SafeText.line(violation.reason))" + (violation.rule.map { " (\(SafeText.line($0)))" } ?? ""))
        lines.append("  allow: " + (violation.allowedBy.map(SafeText.line) ?? "no policy can"))
        return lines
    }

    /// One sentence; nil for a tool that came to its own end.
    static func sentence(_ outcome: RunOutcome) -> String? {
        switch outcome {
        case .exited, .signaled(SIGPIPE): return nil // its reader had enough: how a pipeline ends
        case .signaled(let signal): return "the tool was killed by \(SignalName.of(signal))"
        case .timedOut(let limit): return "timed out after \(Quantity.durationText(limit)); --timeout gives more"
        case .cpuExceeded(let limit):
            return "used up its processor time of \(Quantity.durationText(limit)); raise `limits: cpu` in the policy"
        case .memoryExceeded(let limit): return "went over its memory of \(Quantity.sizeText(limit)); raise `limits: memory` in the policy"
        case .outputLimitExceeded(let limit, let stream):
            return "wrote more than \(Quantity.sizeText(limit)) to \(SafeText.line(stream)); raise `limits: output` in the policy"
        case .diskExceeded(let limit): return "wrote more than \(Quantity.sizeText(limit)) to disk; raise `limits: disk` in the policy"
        case .violation(let what): return SafeText.line(what)
        case .cancelled: return "cancelled; the tool and everything it started are dead"
        case .setupFailed(_, _, let message): return SafeText.line(message)
        case .notFound(let program):
            return "\(shortened(program)): not found in the sandbox; check the name, or grant it: "
                + "--allow filesystem:host:DIR=read,execute"
        case .notExecutable(let program, let number):
            return "\(shortened(program)): may not be executed (\(errorName(number))); "
                + "check its mode, or grant it: --allow filesystem:workspace:PATH=execute, or filesystem:host:PATH=read,execute"
        case .launcherDied: return "glovebox-launcher died, and the tool with it; run `glovebox doctor`"
        }
    }

    /// The limit that the outcome's own sentence tells already.
    private static func limitNamed(by outcome: RunOutcome) -> LimitName? {
        switch outcome {
        case .timedOut: .wall
        case .cpuExceeded: .cpu
        case .memoryExceeded: .memory
        case .outputLimitExceeded: .output
        case .diskExceeded: .disk
        default: nil
        }
    }

    private static func errorName(_ number: Int32) -> String {
        switch number {
        case EACCES: "EACCES"
        case EPERM: "EPERM"
        case ENOEXEC: "ENOEXEC: no program of this machine"
        default: "errno \(number)"
        }
    }

    /// A tool chooses its names and arguments; they must not bury the rest.
    private static func shortened(_ text: String) -> String {
        let line = SafeText.line(text)
        return line.count <= 200 ? line : line.prefix(200) + "…"
    }
}
