internal import LibOSModel
internal import LinuxPrimitives
internal import SandboxLauncher
internal import SandboxPolicy
internal import StrictJSON

extension ToolBroker {
    /// Serves a call with a worker that stays: decided and recorded like any other, confined to what this very call would get.
    func runInSession(
        _ call: PreparedCall, _ words: [String], _ claim: SessionClaim, _ progress: @escaping ChannelSession.ProgressHandler
    ) async -> CallOutcome {
        guard let sessions else { return await runChannel(call, words, [], progress) }
        do throws(CallRefusal) {
            let request = try sealed(call, words, usesChannel: true)
            let key = SessionKey(call, claim, request)
            // A worker that was ending when its call came never heard of it.
            for _ in 0..<Self.mostTries {
                let calls = NestedCalls(broker: self, call: call)
                guard let (session, served) = try await serve(call, request, key, claim, calls, sessions, progress) else { break }
                if case .bounced = served.end { continue }
                return await concluded(call, served, session, calls)
            }
            return await runChannel(call, words, [], progress)
        } catch {
            return CallOutcome(kind: .failure(error.failure, error.decision), hasStarted: false)
        }
    }

    private static let mostTries = 3

    /// Nil: no session serves it.
    private func serve(
        _ call: PreparedCall, _ request: RunRequest, _ key: SessionKey, _ claim: SessionClaim, _ calls: NestedCalls,
        _ sessions: WorkerSessions, _ progress: @escaping ChannelSession.ProgressHandler
    ) async throws(CallRefusal) -> (WorkerSession, WorkerSession.Served)? {
        let (news, done) = AsyncStream.makeStream(of: WorkerSession.Served.self)
        let job = WorkerSession.Job(
            opening: .init(tool: call.tool.name, call: call.id, arguments: call.arguments),
            wallMilliseconds: request.confinement.limits.wallMilliseconds, outputLimit: request.confinement.limits.outputBytes,
            handler: { syscall async throws(LibOSError) in try await calls.answer(syscall) }, progress: progress,
            done: { served in
                done.yield(served)
                done.finish()
            })
        let offer: WorkerSessions.Offer
        do throws(SystemError) {
            offer = try sessions.offer(job, key, claim, request, limits: limits, loadPolicy: loadPolicy)
        } catch {
            throw CallRefusal(
                .init(.transient, "the call's session could not be made: \(error)", isRetryable: true), .sandboxUnavailable)
        }
        guard case .served(let session) = offer else { return nil }
        // Read in a task of its own: a stream is over for a task that is cancelled, and the call is not.
        let reading = Task.detached { () -> WorkerSession.Served? in
            for await served in news { return served }
            return nil
        }
        let served = await withTaskCancellationHandler {
            await reading.value
        } onCancel: {
            session.end(.cancelled)
        }
        guard let served else {
            throw CallRefusal(.init(.transient, "the call's session was lost", isRetryable: true), .sandboxUnavailable)
        }
        return (session, served)
    }

    private func concluded(
        _ call: PreparedCall, _ served: WorkerSession.Served, _ session: WorkerSession, _ calls: NestedCalls
    ) async -> CallOutcome {
        var report: RunReport
        if served.stays {
            report = SessionReport.live(session, served)
        } else {
            report = SessionReport.final(session, served, await session.report)
        }
        await session.lastCallEnded()
        var outcome: CallOutcome
        switch served.end {
        case .talked(let end):
            outcome = await concluded(call, end, report, HandedFiles(), deferred: calls.deferred)
        case .stopped, .bounced:
            outcome = CallOutcome(
                kind: .failure(ToolFailure(.execution, "the call was stopped"), .allow), hasStarted: RunVerdict.hasStarted(report.outcome))
            outcome.take(report)
            if let verdict = RunVerdict.failure(report, isCancelled: Task.isCancelled) {
                outcome.kind = .failure(verdict.failure, verdict.decision)
            }
        }
        outcome.asked = calls.asked
        outcome.isCancelled = Task.isCancelled
        outcome.place = served.place
        outcome.workerStays = served.stays
        var facts = served.place.json.adding("stays", .bool(served.stays)).adding("bounds", .string(session.key.terms.bounds))
        if let end = session.summary.end, !served.stays {
            facts = facts.adding("end", .string(end.word)).adding("because", .string(end.sentence))
        }
        outcome.reportValue = outcome.reportValue.replacing("outcome", outcome.runOutcome(of: report)).adding("session", facts)
        return outcome
    }
}

/// The report of one call of a session, in the form of a run's own.
private enum SessionReport {
    /// Of a call whose worker waits for the next one.
    static func live(_ session: WorkerSession, _ served: WorkerSession.Served) -> RunReport {
        let run = session.known
        return report(
            session, served, outcome: .cancelled, total: served.usage, receipt: run.receipt, dropped: 0, hits: [], launch: run.launch,
            stages: run.stages)
    }

    /// Of a call that was the session's last.
    static func final(_ session: WorkerSession, _ served: WorkerSession.Served, _ run: RunReport) -> RunReport {
        var outcome = run.outcome
        var hits = run.limitHits
        switch served.end {
        case .stopped(.wall(let limit)):
            outcome = .timedOut(limitMilliseconds: limit)
            hits.append(LimitHit(limit: "wall", value: "\(limit)ms", detail: "the call was ended at its wall-clock limit"))
        case .stopped(.output(let limit, let stream)):
            outcome = .outputLimitExceeded(limit: limit, stream: stream)
            hits.append(LimitHit(limit: "output", value: "\(limit)B", detail: "\(stream) of the call went over the limit"))
        case .stopped(.ended): outcome = .cancelled
        case .talked, .bounced: break
        }
        return report(
            session, served, outcome: outcome, total: run.usage, receipt: run.receipt, dropped: 0, hits: hits, launch: run.launch,
            stages: run.stages)
    }

    private static func report(
        _ session: WorkerSession, _ served: WorkerSession.Served, outcome: RunOutcome, total: RunUsage, receipt: [ReceiptEntry],
        dropped: UInt64, hits: [LimitHit], launch: LaunchKind, stages: [(name: String, microseconds: UInt64)]
    ) -> RunReport {
        var usage = session.account.charge(total)
        usage.wallMicroseconds = served.wallMicroseconds
        usage.stdoutBytes = served.stdout.totalBytes
        usage.stderrBytes = served.stderr.totalBytes
        let place = served.place
        let detail =
            place.call == 1
            ? "call 1 of \(place.session): a fresh sandbox"
            : "call \(place.call) of \(place.session): the worker has what it kept of the calls before, of this agent process alone"
        return RunReport(
            outcome: outcome, usage: usage,
            receipt: receipt.isEmpty ? [] : receipt + [ReceiptEntry(layer: "session", state: .partial, detail: detail)],
            violations: served.violations.list, violationsDropped: served.violations.dropped &+ dropped, limitHits: hits,
            policyName: session.key.policyName, policyHash: session.key.policyHash, stages: place.call == 1 ? stages : [],
            stdout: served.stdout, stderr: served.stderr, launch: launch)
    }
}
