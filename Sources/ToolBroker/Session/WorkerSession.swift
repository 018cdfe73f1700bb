internal import CapabilityBroker
internal import Glibc
internal import LibOSModel
internal import LinuxPrimitives
internal import SandboxLauncher
internal import SandboxPolicy
internal import Synchronization

/// One sandbox with one worker that serves the calls of one agent process, one after the other. A thread of its own talks with the worker
/// and listens to it between the calls; whatever ends the session kills the whole tree.
final class WorkerSession: Sendable {
    /// One call for the worker.
    struct Job: Sendable {
        var opening: ChannelSession.Opening
        var wallMilliseconds: UInt64
        var outputLimit: UInt64
        var handler: ChannelSession.Handler
        var progress: ChannelSession.ProgressHandler
        var done: @Sendable (Served) -> Void
    }

    /// What came of a job.
    struct Served: Sendable {
        enum End: Sendable {
            case talked(ChannelSession.End)
            case stopped(CallWatch.Stop)
            /// The session was over before the worker heard of the call: it is for another one.
            case bounced
        }
        var end: End
        var place: SessionPlace
        /// The worker waits for the next call.
        var stays = false
        var wallMicroseconds: UInt64 = 0
        var stdout = CapturedOutput()
        var stderr = CapturedOutput()
        var violations = SessionAccount.Violations()
        /// What the worker had used by then, as far as was seen.
        var usage = RunUsage()
    }

    private struct State {
        var job: Job?
        /// A job was taken or waits: the session serves nobody else.
        var isBusy = false
        var calls: UInt64 = 0
        var end: SessionEnd?
        var idleSince: UInt64
        var strayBytes: UInt64 = 0
        /// Of the process: what came before was looked at.
        var lastEvent: EventID?
        var report: RunReport?
        var waiters: [CheckedContinuation<RunReport, Never>] = []
    }

    let id: String
    let key: SessionKey
    let hold: SessionHold
    let born: UInt64
    let account = SessionAccount()
    private let monitor = RunMonitor()
    let line: ChannelLine
    private let stdout: OwnedDescriptor
    private let stderr: OwnedDescriptor
    private let cancellation: RunCancellation
    private let request: RunRequest
    private let limits: ChannelLimits
    private let state: Mutex<State>

    /// - Parameter call: the run of a call of its own; the session runs the same, as long as it may.
    init(_ call: RunRequest, _ key: SessionKey, _ hold: SessionHold, limits: ChannelLimits) throws(SystemError) {
        id = "ses_" + ToolCallID.new().text.dropFirst("tcall_".count)
        self.key = key
        self.hold = hold
        self.limits = limits
        born = MonotonicClock.now()
        line = try ChannelLine()
        var outputs = try Pipe.make()
        var errors = try Pipe.make()
        stdout = outputs.takeFirst()
        stderr = errors.takeFirst()
        try stdout.setNonBlocking(true)
        try stderr.setNonBlocking(true)
        cancellation = try RunCancellation()
        state = Mutex(State(idleSince: born, lastEvent: hold.lastEvent))
        var request = call
        request.channel = line.toolEnd
        request.output = .pipes(stdout: ToolStream(end: outputs.takeSecond()), stderr: ToolStream(end: errors.takeSecond()))
        request.monitor = monitor
        let account = account
        request.onViolation = { account.refused($0) }
        // The clock of each call is the session's own; the run's is for a session whose clock fails.
        let wall = call.confinement.limits.wallMilliseconds
        let (sum, overflows) = key.terms.lifetimeMilliseconds.addingReportingOverflow(wall)
        request.confinement.limits.wallMilliseconds = overflows || sum > .max - Self.slack ? .max : sum + Self.slack
        self.request = request
    }

    /// Milliseconds that the run's own clock is behind.
    private static let slack: UInt64 = 10_000

    // MARK: - From other threads

    var isBusy: Bool { state.withLock { $0.isBusy && $0.end == nil } }
    var isOver: Bool { state.withLock { $0.end != nil } }
    var idleSince: UInt64 { state.withLock { $0.idleSince } }

    /// Takes one call when the session is idle and may serve one more; false otherwise.
    func offer(_ job: Job) -> Bool {
        let isTaken = state.withLock { state in
            guard state.end == nil, !state.isBusy else { return false }
            if let end = timedEnd(at: MonotonicClock.now(), state) {
                state.end = end
                return false
            }
            state.job = job
            state.isBusy = true
            return true
        }
        line.news.wake()
        return isTaken
    }

    /// Ends the session when what it rests on is not so any more.
    func check(_ capabilities: CapabilityBroker, in store: any StoreReading) throws(LibOSError) {
        let before = state.withLock { $0.lastEvent }
        var seen = before
        if let cause = try hold.objection(capabilities, after: &seen, in: store) { return end(cause) }
        // Two looks may cross; the later one has seen more.
        state.withLock { if $0.lastEvent == before { $0.lastEvent = seen } }
    }

    /// Ends the session: at once when nobody is served, and otherwise when that call has ended, unless the cause cuts it off.
    func end(_ cause: SessionEnd) {
        let wasOpen = state.withLock { state in
            guard state.end == nil else { return false }
            state.end = cause
            return true
        }
        if wasOpen { line.news.wake() }
    }

    /// The run's report, when all of it is dead.
    var report: RunReport {
        get async {
            await withCheckedContinuation { waiter in
                let report = state.withLock { state in
                    if state.report == nil { state.waiters.append(waiter) }
                    return state.report
                }
                if let report { waiter.resume(returning: report) }
            }
        }
    }

    func lastCallEnded() async { await line.news.lastCallEnded() }

    /// What is known of the run by now.
    var known: RunMonitor.State { monitor.current }

    /// For the record of the session's end.
    var summary: (calls: UInt64, end: SessionEnd?, strayBytes: UInt64) {
        state.withLock { ($0.calls, $0.end, $0.strayBytes) }
    }

    /// Runs a request to its end; `SandboxSupervisor.run`, where no test stands in for it.
    typealias Launch = @Sendable (RunRequest, RunCancellation) async -> RunReport

    /// Starts the sandbox and the thread that talks with its worker.
    func start(_ launch: @escaping Launch) {
        let isStarted = DetachedThread.start { self.live() }
        if !isStarted {
            let job = state.withLock { state in
                if state.end == nil { state.end = .workerEnded }
                return state.job.take()
            }
            launchFailed(job)
            return
        }
        let (request, cancellation) = (request, cancellation)
        // No part of the task that happened to make the first call: cancelling that is for the call to say.
        Task.detached {
            let report = await launch(request, cancellation)
            request.channel?.close()
            if case .pipes(let stdout, let stderr) = request.output {
                stdout.close()
                stderr.close()
            }
            self.runEnded(report)
        }
    }

    private func launchFailed(_ job: Job?) {
        let message = "no thread is left for the session; raise the limit on processes (ulimit -u)"
        runEnded(
            RunReport(
                outcome: .setupFailed(stage: "plan", errno: EAGAIN, message: message), usage: RunUsage(), receipt: [], violations: [],
                violationsDropped: 0, limitHits: [], policyName: request.policyName, policyHash: request.policyHash, stages: [],
                stdout: CapturedOutput(), stderr: CapturedOutput()))
        job?.done(
            Served(
                end: .talked(.violation(ProtocolViolation(.earlyExit, "the worker was not started"))),
                place: SessionPlace(session: id, call: 1)))
    }

    private func runEnded(_ report: RunReport) {
        let waiters = state.withLock { state in
            state.report = report
            if state.end == nil, !state.isBusy { state.end = .workerEnded }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(returning: report) }
        line.news.wake()
    }

    // MARK: - The session's thread

    private func live() {
        while let job = nextJob() {
            let served = serve(job)
            job.done(served)
            if !served.stays { break }
        }
        cancellation.cancel()
    }

    /// Waits for the next call, and listens to the worker meanwhile. Nil: the session is over; a call that came in between is given back.
    private func nextJob() -> Job? {
        while true {
            // Whatever the worker says before it is asked anything is no part of a call.
            var entries = [
                pollfd(fd: line.socket.rawValue, events: hasStarted ? Int16(POLLIN) : 0, revents: 0),
                pollfd(fd: line.news.event.rawValue, events: Int16(POLLIN), revents: 0),
            ]
            let isSilent = (try? Polling.wait(entries[0].fd, for: .readable, deadline: 0)) == false
            if hasStarted, !isSilent { settle(unsolicited()) }
            let (job, isOver, deadline) = state.withLock { state -> (Job?, Bool, UInt64?) in
                if state.end == nil, state.job == nil, let end = timedEnd(at: MonotonicClock.now(), state) { state.end = end }
                return (state.job.take(), state.end != nil, self.deadline(state))
            }
            if let job {
                if !isOver { return job }
                job.done(Served(end: .bounced, place: SessionPlace(session: id, call: 0)))
            }
            if isOver { return nil }
            _ = try? Polling.wait(&entries, deadline: deadline)
            _ = try? line.news.event.drain()
        }
    }

    /// The worker has been called once: before that it may not have begun to run.
    private var hasStarted: Bool { state.withLock { $0.calls > 0 } }

    private func settle(_ end: SessionEnd) { state.withLock { if $0.end == nil { $0.end = end } } }

    /// What a worker that waits wrote, or that it has gone.
    private func unsolicited() -> SessionEnd {
        var byte: [UInt8] = [0]
        let piece = byte.withUnsafeMutableBytes { try? AttributedStream.read(line.socket.rawValue, into: $0) }
        switch piece {
        case .bytes(_, _, let dropped): return .violation(dropped ? .passedDescriptor : .unsolicited)
        case .end, .nothing, nil: return .workerEnded
        }
    }

    private func serve(_ job: Job) -> Served {
        let began = MonotonicClock.now()
        let call = state.withLock { state in
            state.calls += 1
            return state.calls
        }
        let stray = call > 1 ? CallWatch.discard([stdout.rawValue, stderr.rawValue]) : 0
        if stray > 0 { state.withLock { $0.strayBytes &+= stray } }
        let place = SessionPlace(session: id, call: call)
        let watch = CallWatch(
            stdout: stdout.rawValue, stderr: stderr.rawValue, limit: job.outputLimit, wallMilliseconds: job.wallMilliseconds, began: began
        ) { [self] in state.withLock { $0.end?.cutsOff == true } }
        account.callBegan()
        line.news.wake() // the worker has started already, or its start will say so
        var opening = job.opening
        opening.place = place
        var talk = ChannelTalk(line, opening, limits: limits, handler: job.handler, progress: job.progress, companion: watch)
        var served = Served(end: .bounced, place: place)
        do throws(ProtocolViolation) {
            if let end = try talk.run() { served.end = .talked(end) } else { served.end = .stopped(watch.stop ?? .ended) }
        } catch {
            served.end = .talked(.violation(error))
        }
        if case .talked(let end) = served.end, end.isEndOfStream { awaitEnd(watch) }
        watch.finish()
        if let stop = watch.stop { served.end = .stopped(stop) }
        return conclude(served, watch, began)
    }

    /// A stream that ended is a tool that is ending: how it did is for the run to say, unless the call's time is up first.
    private func awaitEnd(_ watch: CallWatch) {
        while !watch.look(), state.withLock({ $0.report == nil }) {
            var entries = watch.entries + [pollfd(fd: line.news.event.rawValue, events: Int16(POLLIN), revents: 0)]
            _ = try? Polling.wait(&entries, deadline: watch.deadline)
            _ = try? line.news.event.drain()
        }
    }

    private func conclude(_ given: Served, _ watch: CallWatch, _ began: UInt64) -> Served {
        var served = given
        let now = MonotonicClock.now()
        served.wallMicroseconds = (now - began) / 1000
        (served.stdout, served.stderr) = (watch.stdout, watch.stderr)
        served.violations = account.callEnded()
        served.usage = monitor.current.usage
        let writer = line.news.state.withLock { $0.start }
        if let pid = writer.flatMap({ $0 }), state.withLock({ $0.report == nil }) {
            served.usage.cpuMicroseconds = max(served.usage.cpuMicroseconds, SessionAccount.processorMicroseconds(of: pid))
        }
        let end: SessionEnd?
        switch served.end {
        case .talked(.result), .talked(.failure): end = nil
        case .talked(.violation(let violation)): end = given.endOfStream ? .workerEnded : .violation(violation.rule)
        case .stopped(.wall), .stopped(.output): end = .callLimit
        case .stopped(.ended), .bounced: end = .cancelled
        }
        served.stays = state.withLock { state in
            state.isBusy = false
            state.idleSince = now
            if state.end == nil { state.end = end ?? timedEnd(at: now, state) }
            return state.end == nil
        }
        // The tree dies now; whoever made the call waits for that.
        if !served.stays { cancellation.cancel() }
        return served
    }

    // MARK: - Time

    /// Of the policy's bounds the one that is reached.
    private func timedEnd(at now: UInt64, _ state: State) -> SessionEnd? {
        if state.calls >= key.terms.calls { return .calls }
        if let expiry, now >= expiry { return .authority }
        if now >= Self.instant(born, key.terms.lifetimeMilliseconds) { return .lifetime }
        if state.calls > 0, now >= Self.instant(state.idleSince, key.terms.idleMilliseconds) { return .idle }
        return nil
    }

    private func deadline(_ state: State) -> UInt64? {
        let idle = Self.instant(state.idleSince, key.terms.idleMilliseconds)
        return min(idle, Self.instant(born, key.terms.lifetimeMilliseconds), expiry ?? .max)
    }

    /// When the first capability that it rests on expires.
    private var expiry: UInt64? {
        hold.expiresInMicroseconds.map { micros in
            let (nanoseconds, overflows) = UInt64(max(0, micros)).multipliedReportingOverflow(by: 1000)
            return overflows ? .max : born &+ min(nanoseconds, .max - born)
        }
    }

    private static func instant(_ from: UInt64, _ milliseconds: UInt64) -> UInt64 {
        let (nanoseconds, overflows) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        return overflows ? .max : from &+ min(nanoseconds, .max - from)
    }
}

extension WorkerSession.Served {
    fileprivate var endOfStream: Bool { if case .talked(let end) = end { end.isEndOfStream } else { false } }
}
