internal import CLaunchABI
internal import LinuxPrimitives
internal import SandboxPolicy

/// Makes the report of a run that has ended.
struct ReportBuilder {
    let request: RunRequest
    let preparation: LaunchPreparation
    let end: RunEnd
    let began: UInt64
    let sent: UInt64
    /// What the sandbox was before the call came; nil when it was built for it.
    let standing: LaunchKind?
    /// Made while the tool ran; nil when it never did.
    let receipt: [ReceiptEntry]?

    /// A run that came to no launch.
    static func notLaunched(_ request: RunRequest, _ outcome: RunOutcome) -> RunReport {
        RunReport(
            outcome: outcome, usage: RunUsage(), receipt: [], violations: [], violationsDropped: 0, limitHits: [],
            policyName: request.policyName, policyHash: request.policyHash, stages: [], stdout: CapturedOutput(), stderr: CapturedOutput())
    }

    func report() -> RunReport {
        RunReport(
            outcome: end.outcome, usage: usage(), receipt: finalReceipt, violations: end.violations,
            violationsDropped: end.violationsDropped, limitHits: limitHits(), policyName: request.policyName,
            policyHash: request.policyHash, stages: stages(), stdout: end.stdout, stderr: end.stderr, launch: launch)
    }

    private var finalReceipt: [ReceiptEntry] {
        guard let receipt, end.leftBehind else { return receipt ?? [] }
        let detail = "a killed process did not end within ten seconds (uninterruptible sleep); it dies when its system call returns"
        return receipt + [ReceiptEntry(layer: "teardown", state: .partial, detail: detail)]
    }

    private var launch: LaunchKind { Self.launch(end.started, standing: standing) }

    static func launch(_ started: LaunchMessage?, standing: LaunchKind?) -> LaunchKind {
        if let standing { return standing }
        return (started?.enforced ?? 0) & GB_ENFORCED_TEMPLATE.rawValue != 0 ? .template : .cold
    }

    private func usage() -> RunUsage {
        var usage = RunUsage()
        usage.wallMicroseconds = end.wallNanoseconds / 1000
        usage.cpuMicroseconds = end.usage.cpuMicroseconds
        usage.peakMemoryBytes = max(end.usage.peakBytes, end.peakMemory ?? 0)
        usage.stdoutBytes = end.stdout.totalBytes
        usage.stderrBytes = end.stderr.totalBytes
        usage.diskBytes = end.usage.writtenBytes
        usage.createdFiles = end.createdNames
        return usage
    }

    private func stages() -> [(name: String, microseconds: UInt64)] {
        guard let started = end.started else { return [] }
        var (result, last) = Self.stages(of: started, began: began, sent: sent)
        if end.exitedAt > last {
            result.append(("run", (end.exitedAt - last) / 1000))
            result.append(("teardown", (end.endedAt - end.exitedAt) / 1000))
        }
        return result
    }

    /// Microseconds from one stage's end to the next, and the end of the last one; the first counts from the moment the request was sent.
    static func stages(
        of started: LaunchMessage, began: UInt64, sent: UInt64
    ) -> (stages: [(name: String, microseconds: UInt64)], last: UInt64) {
        var result: [(name: String, microseconds: UInt64)] = [("prepare", (sent - began) / 1000)]
        var last = sent
        var passed: [(stage: LaunchStage, at: UInt64)] = []
        for stage in LaunchStage.allCases {
            let index = Int(stage.rawValue)
            if index < started.stageEnds.count, started.stageEnds[index] != 0 { passed.append((stage, started.stageEnds[index])) }
        }
        passed.sort { $0.at < $1.at }
        for (stage, at) in passed {
            result.append((stage.name, at > last ? (at - last) / 1000 : 0))
            last = max(last, at)
        }
        return (result, last)
    }

    // MARK: - Limits

    private func limitHits() -> [LimitHit] {
        let limits = request.confinement.limits
        var hits: [LimitHit] = []
        func hit(_ name: LimitName, _ detail: String) {
            hits.append(LimitHit(limit: name.rawValue, value: name.text(limits[name]), detail: detail))
        }
        switch end.outcome {
        case .timedOut: hit(.wall, "the run was ended at its wall-clock limit")
        case .cpuExceeded: hit(.cpu, "the tree used its CPU time up")
        case .outputLimitExceeded(_, let stream): hit(.output, "\(stream) went over the limit")
        case .diskExceeded: hit(.disk, "the tree wrote more than the limit to disk")
        case .signaled(25): hit(.file, "the tool died of SIGXFSZ, the signal for a file that would grow over the limit")
        default: break
        }
        let kills = end.memoryKills
        if kills > 0 { hit(.memory, "\(kills) process\(kills == 1 ? " was" : "es were") killed for memory") }
        let forks = end.forksRefused
        if forks > 0 { hit(.pids, "\(forks) new process\(forks == 1 ? " was" : "es were") refused") }
        if end.hiddenKills > 0 {
            hit(
                .disk,
                "\(end.hiddenKills) process\(end.hiddenKills == 1 ? " was" : "es were") killed for hiding what it wrote (not dumpable)")
        }
        if end.createdLimitHit { hit(.created, "no more names could be created") }
        if end.usage.writtenBytes >= limits.diskBytes, !hits.contains(where: { $0.limit == LimitName.disk.rawValue }) {
            hit(.disk, "new files were refused after this many bytes")
        }
        return hits
    }
}
