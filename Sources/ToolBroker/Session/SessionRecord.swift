internal import LibOSModel
internal import SandboxLauncher
internal import StrictJSON

/// What is left of a session when it is over: one audit record, and the charge for what no call was charged for.
enum SessionRecord {
    static func write(_ session: WorkerSession, _ report: RunReport, to store: any RuntimeStore) async {
        let summary = session.summary
        // A launch that failed is on record with its call.
        guard RunVerdict.hasStarted(report.outcome) else { return }
        let rest = session.account.charge(report.usage)
        let between = session.account.betweenCalls
        let cause = summary.end ?? .workerEnded
        let decision = JSONValue.object([
            "session": .string(session.id), "tool": .string(session.hold.toolName), "reason": .string(cause.word),
            "sentence": .string(cause.sentence), "calls": .unsigned(summary.calls), "policy_hash": .string(report.policyHash),
            "outcome": RunReportJSON.outcome(report.outcome), "wall_us": .unsigned(report.usage.wallMicroseconds),
            "cpu_us": .unsigned(report.usage.cpuMicroseconds), "peak_memory_bytes": .unsigned(report.usage.peakMemoryBytes),
            "violations_between_calls": .array(between.list.prefix(32).map(RunReportJSON.violation)),
            "violations_dropped": .unsigned(between.dropped &+ report.violationsDropped),
            "output_bytes_between_calls": .unsigned(summary.strayBytes),
        ])
        let hold = session.hold
        // A store that fails has said so to the calls; the session is dead all the same.
        try? await store.write { transaction throws(LibOSError) in
            try transaction.charge(
                spent: [.subprocessCPUMilliseconds: Int64(clamping: rest.cpuMicroseconds / 1000)], to: hold.process)
            try transaction.append(
                AuditEntry(
                    actor: hold.process.text, action: "tool.session_end", target: "tool:\(hold.tool)",
                    capabilities: hold.capabilities, decision: decision, correlation: session.id))
        }
    }
}
