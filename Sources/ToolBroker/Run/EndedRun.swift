internal import SandboxLauncher
internal import StrictJSON

extension ChannelSession.End {
    /// The stream ended before the result: the tool's own end says why.
    var isEndOfStream: Bool {
        if case .violation(let violation) = self { violation.rule == .earlyExit || violation.rule == .partialFrame } else { false }
    }

    /// What the tool itself said of its work; nil when it broke a rule instead.
    var answer: CallOutcome.Answer? {
        switch self {
        case .result: .completed
        case .failure: .failed
        case .violation: nil
        }
    }

    var word: String {
        switch self {
        case .result: "result"
        case .failure: "error"
        case .violation(let violation): violation.rule.rawValue
        }
    }
}

extension CallOutcome {
    mutating func take(_ report: RunReport, end: ChannelSession.End? = nil) {
        self.report = report
        answer = end?.answer
        reportValue = RunReportJSON.value(report, includingOutput: true).replacing("outcome", runOutcome(of: report))
            .adding("ended_by", .optional(end?.word))
    }

    /// How the run ended. A tool that gave its result has done its work, whatever became of its worker then: it is ended with the
    /// result, and that is no cancellation.
    func runOutcome(of report: RunReport) -> JSONValue {
        guard let answer else { return RunReportJSON.outcome(report.outcome) }
        var worker = RunReportJSON.outcome(report.outcome)
        if workerStays {
            worker = .object(["kind": .string("stays")])
        } else if case .cancelled = report.outcome {
            worker = worker.replacing("kind", .string("ended_after_result"))
        }
        return .object([
            "kind": .string(answer.rawValue), "worker": worker, "exit_code": .int(answer == .completed ? 0 : 1),
        ])
    }
}
