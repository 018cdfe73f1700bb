internal import CLaunchABI
internal import Glibc
internal import LinuxPrimitives
internal import SandboxPolicy

/// One run from its request to its report, on the calling thread: sends the launch, then waits in one `poll` for everything
/// that can happen to it. Nothing in here waits for the tool, for its peers or for the caller's readers but in that poll, so
/// deadlines and cancellation fire whatever those do.
struct SealedRun: ~Copyable {
    private let preparation: LaunchPreparation
    private let request: RunRequest
    private let cancellation: RunCancellation?

    private var status: OwnedDescriptor?
    private var process: ProcessHandle?
    /// In our pid namespace.
    private var initPID: Int32 = 0
    private var mediator: CallMediator?
    private var stdout: OutputStream
    private var stderr: OutputStream
    private var input: InputStream
    private var terminal: TerminalRelay?

    private var cause = RunCause()
    private var started: LaunchMessage?
    private var failed: LaunchMessage?
    private var exited: LaunchMessage?
    private var usage = SandboxUsage()
    private var memoryKills: UInt64 = 0
    private let began: UInt64
    private let deadline: UInt64
    private var killAt: UInt64?
    private var forceAt: UInt64?
    private var nextSample: UInt64
    private var awaitsUsage = false
    private var usageAskedAt: UInt64 = 0
    private var exitedAt: UInt64 = 0
    /// To a program that waited for the call, until it says that it runs it. See `ParkedTakeover`.
    private var takeover = ParkedTakeover()
    private var conversation: HeldConversation
    private var insisted = false
    private var hiddenSamples = 0
    private var hiddenKills: UInt64 = 0
    private var listenerEnded = false
    private var isGivenUp = false

    /// After SIGTERM at the wall-clock limit, before SIGKILL.
    private static let grace: UInt64 = 500_000_000
    /// After the init was told to kill its tree, before it is killed itself.
    private static let insistence: UInt64 = 250_000_000
    /// Between two looks at what the tree uses.
    private let samplePeriod: UInt64
    /// A dead tree's init that does not end (a process in uninterruptible sleep) is given up after this.
    private static let teardownLimit: UInt64 = 10_000_000_000

    /// - Parameters:
    ///   - sandbox: its status socket and process are the run's from here on; its leases stay with the caller.
    ///   - program: what waited in it and has been handed the call.
    init(
        _ preparation: LaunchPreparation, in sandbox: LaunchedSandbox, program: ParkedProgram? = nil, streams: inout RunStreams,
        request: RunRequest,
        cancellation: RunCancellation?, began: UInt64
    ) {
        self.preparation = preparation
        self.request = request
        self.cancellation = cancellation
        self.began = began
        deadline = began.clampedPlus(request.confinement.limits.wallMilliseconds.clampedTimes(1_000_000))
        samplePeriod = request.isAttached ? 250_000_000 : 50_000_000
        nextSample = began + samplePeriod
        conversation = HeldConversation(request.conversation)
        var ends = sandbox.takeEnds()
        status = ends.status.take()
        process = ends.process.take()
        initPID = ends.initPID
        stdout = streams.takeOutput()
        stderr = streams.takeError()
        input = streams.takeInput()
        terminal = streams.takeTerminal()
        guard let program else { return }
        var held = program.takeEnds()
        takeover = ParkedTakeover(of: program, call: held.call.take(), at: MonotonicClock.now())
        started = takeover.started
        if let listener = held.listener.take() { mediator = makeMediator(listener) }
        request.channel?.takenOver(by: program.pid)
        if takeover.isSettled { toolRuns() }
    }

    /// Runs to the end. The whole tree is dead when this returns.
    ///
    /// - Parameters:
    ///   - onStart: called once the tool runs, with what is known by then.
    ///   - onExit: called once the tool and everything it started have ended; what is left is the end of the init.
    consuming func finish(cgroup: borrowing ControlGroupLease?, onStart: (LaunchMessage) -> Void, onExit: () -> Void) -> RunEnd {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { buffer.deallocate() }
        var events: ControlGroupEvents?
        var peakMemory: UInt64?
        if let started { onStart(started) }
        while !isOver {
            let (hadStarted, hadExited) = (started != nil, exited != nil)
            step(buffer)
            if let started, !hadStarted { onStart(started) }
            guard exited != nil, !hadExited else { continue }
            onExit()
            // Everything of the tool is reaped, so what the cgroup counted is final: it is read while the init ends.
            events = cgroup?.events()
            peakMemory = cgroup?.peakMemory()
            attendEnd()
        }
        let endedAt = MonotonicClock.now()
        if hearTakeover() == false, !cause.isSettled { return .notTakenOver }
        drain(buffer)
        let end = MonotonicClock.now()
        if exited == nil { // killed as a whole
            events = cgroup?.events()
            peakMemory = cgroup?.peakMemory()
        }
        let outcome = decideOutcome(events)
        let (log, createdNames, createdLimitHit) = mediationRecord
        let outputs = outputs
        return RunEnd(
            outcome: outcome, started: started, usage: takeover.without(usage), memoryKills: memoryKills + (events?.oomKills ?? 0),
            forksRefused: events?.forksRefused ?? 0, peakMemory: peakMemory, hiddenKills: hiddenKills, wallNanoseconds: end - began,
            stdout: outputs.stdout, stderr: outputs.stderr, violations: log.violations,
            violationsDropped: log.dropped, createdNames: createdNames, createdLimitHit: createdLimitHit, leftBehind: isGivenUp,
            exitedAt: exitedAt, endedAt: endedAt)
    }

    /// The init is on its way out of the kernel. Being woken for it takes as long as that does, so it is looked at for a moment, unless
    /// somebody else has a use for the processor.
    private func attendEnd() {
        guard let number = process.number else { return }
        var entries = [pollfd(fd: number, events: Int16(POLLIN), revents: 0)]
        var watch = BriefWatch(longest: Self.attention)
        _ = try? watch.look(&entries)
    }

    /// Nanoseconds.
    private static let attention: UInt64 = 150_000

    /// The launch failed, or the sandbox's init has ended: its pidfd says so only after every process of the namespace is gone.
    private var isOver: Bool {
        if failed != nil || isGivenUp { return true }
        return status.number == nil && process.number == nil
    }

    // MARK: - Waiting

    private var listenerNumber: Int32? {
        switch mediator {
        case .some(let mediator): mediator.descriptor
        case nil: nil
        }
    }

    private var wantsSample: Bool {
        switch mediator {
        case .some(let mediator): mediator.wantsSample
        case nil: false
        }
    }

    private var nextRetry: UInt64? {
        switch mediator {
        case .some(let mediator): mediator.nextRetry
        case nil: nil
        }
    }

    private var terminalEntries: (master: pollfd?, keyboard: pollfd?, screen: pollfd?) {
        switch terminal {
        case .some(let relay): (relay.masterEntry, relay.keyboardEntry, relay.screenEntry)
        case nil: (nil, nil, nil)
        }
    }

    private var terminalState: (followsWindow: Bool, isOverLimit: Bool, total: UInt64) {
        switch terminal {
        case .some(let relay): (relay.followsWindow, relay.isOverLimit, relay.total)
        case nil: (false, false, 0)
        }
    }

    private var mediationRecord: (ViolationLog, UInt64, Bool) {
        switch mediator {
        case .some(let mediator): (mediator.log, mediator.createdNames, mediator.createdLimitHit)
        case nil: (ViolationLog(), 0, false)
        }
    }

    private enum Source {
        case conversation, takeover, status, process, listener, stdout, stderr, input, cancel, terminal, keyboard, screen
    }

    private mutating func step(_ buffer: UnsafeMutableRawBufferPointer) {
        var entries: [pollfd] = []
        var sources: [Source] = []
        func add(_ entry: pollfd?, _ source: Source) {
            guard let entry else { return }
            entries.append(entry)
            sources.append(source)
        }
        func readable(_ number: Int32) -> pollfd { pollfd(fd: number, events: Int16(POLLIN), revents: 0) }
        if let number = status.number { add(readable(number), .status) }
        if let number = process.number { add(readable(number), .process) }
        if let number = listenerNumber, !listenerEnded { add(readable(number), .listener) }
        add(stdout.pollEntry, .stdout)
        add(stderr.pollEntry, .stderr)
        add(stderr.logEntry, .stderr)
        // Not before the tool is there: a launch that is tried again must find the input whole.
        if started != nil, exited == nil, takeover.isSettled { add(input.pollEntry, .input) }
        add(takeover.entry(now: MonotonicClock.now(), isHurried: input.pollEntry != nil), .takeover)
        if let cancellation, !cause.isSettled { add(readable(cancellation.descriptor), .cancel) }
        add(terminalEntries.master, .terminal)
        if started != nil { add(terminalEntries.keyboard, .keyboard) }
        add(terminalEntries.screen, .screen)
        for entry in conversation.pollEntries { add(entry, .conversation) }

        let ready = (try? Polling.wait(&entries, deadline: nextWake)) ?? 0
        let now = MonotonicClock.now()
        if ready > 0 {
            for (entry, source) in zip(entries, sources) where entry.revents != 0 { handle(source, entry.revents, buffer) }
        }
        if let at = nextRetry, at <= MonotonicClock.now() {
            mediator?.retryParked(until: MonotonicClock.now() + Self.serving)
        }
        terminal?.followWindow()
        check(now)
    }

    /// Nanoseconds for which calls are served before the clock is looked at.
    private static let serving: UInt64 = 20_000_000

    private var nextWake: UInt64? {
        var wake = min(forceAt ?? .max, killAt ?? .max)
        if !cause.isSettled, exited == nil { wake = min(wake, deadline) }
        if started != nil, exited == nil { wake = min(wake, nextSample) }
        if let at = conversation.endAt, exited == nil, !cause.isSettled { wake = min(wake, at) }
        if let at = takeover.nextLook(after: MonotonicClock.now()) { wake = min(wake, at) }
        if let at = nextRetry { wake = min(wake, at) }
        if terminalState.followsWindow { wake = min(wake, MonotonicClock.now() + 200_000_000) }
        return wake == .max ? nil : wake
    }

    private mutating func handle(_ source: Source, _ events: Int16, _ buffer: UnsafeMutableRawBufferPointer) {
        switch source {
        case .conversation: conversation.advance(now: MonotonicClock.now())
        case .takeover: _ = hearTakeover()
        case .status: receiveMessage()
        case .process: process = nil
        case .listener:
            if events & Int16(POLLIN) == 0 {
                listenerEnded = true // nobody uses the filter any more: the end of the tree is near, and stays readable
            } else {
                // A few at a time: a flood of calls must not keep the output or the clock waiting. Still served after SIGTERM: a tool
                // that cleans up may make files.
                let until = MonotonicClock.now() + Self.serving
                for _ in 0..<16 where MonotonicClock.now() < until {
                    guard let number = listenerNumber, mediator?.serve() == true else { break }
                    guard (try? Polling.wait(number, for: .readable, deadline: 0)) == true else { break }
                }
            }
        case .stdout:
            stdout.advance(buffer)
            if stdout.isOverLimit { outputExceeded("stdout") }
        case .stderr:
            stderr.advance(buffer)
            if stderr.isOverLimit { outputExceeded("stderr") }
        case .input: input.advance(buffer)
        case .cancel:
            cause.settle(.cancelled)
            killTree()
        case .terminal:
            terminal?.relayOutput(buffer)
            if terminalState.isOverLimit { outputExceeded("terminal") }
        case .keyboard: terminal?.relayInput(buffer)
        case .screen: terminal?.advanceScreen()
        }
    }

    private mutating func outputExceeded(_ stream: String) {
        guard !cause.isSettled else { return }
        cause.settle(.outputLimitExceeded(limit: request.confinement.limits.outputBytes, stream: stream))
        killTree()
    }

    // MARK: - The launcher's and the init's word

    /// The next message; nil at the end. An order that reached the init too late makes its end look like a reset connection,
    /// which the kernel reports once and before the messages that are still there.
    private static func receive(_ socket: Int32) -> ReceivedMessage? {
        for _ in 0..<2 {
            do throws(SystemError) {
                return try DescriptorMessage.receive(on: socket, maxBytes: LaunchMessage.size + 1, maxDescriptors: 1)
            } catch {
                guard error.errno == ECONNRESET else { return nil }
            }
        }
        return nil
    }

    private mutating func receiveMessage() {
        guard let number = status.number else { return }
        guard var received = Self.receive(number), let message = LaunchMessage(received.bytes) else {
            status = nil // the init has ended, or never came to be
            return
        }
        switch message.kind {
        case .launched:
            initPID = message.pid
            if let descriptor = received.takeDescriptor(0) { process = ProcessHandle(adopting: descriptor, pid: message.pid) }
            // A run cancelled before its launch ends like any other.
            if cause.isSettled { killTree() }
        case .failed: failed = message
        case .parked: break // said before the call was there
        case .started:
            started = message
            request.releaseStreams()
            request.channel?.toolStarted(initPID: initPID, innerPID: message.pid)
            if let descriptor = received.takeDescriptor(0) { mediator = makeMediator(SeccompListener(adopting: descriptor)) }
        case .usage:
            awaitsUsage = false
            usage = message.usage
            request.monitor?.sampled(usage)
            checkUsage()
        case .exited:
            exited = message
            exitedAt = MonotonicClock.now()
            usage = message.usage
            input.drop()
            forceAt = MonotonicClock.now() + Self.insistence
            status = nil // nothing more comes; the pidfd tells when the namespace is gone
        }
    }

    private func makeMediator(_ listener: consuming SeccompListener) -> CallMediator {
        CallMediator(
            listener: listener, plan: preparation.plan, denials: preparation.denials, confinement: request.confinement,
            network: preparation.network, identity: preparation.mediationIdentity, countsMemory: preparation.countsMemory,
            watchesOpening: request.watchesOpening, onViolation: request.onViolation)
    }

    /// Whether the call is in the hands of who runs it; false as long as a program that was handed it has not said so.
    private mutating func hearTakeover() -> Bool {
        guard !takeover.isSettled else { return true }
        takeover.hear()
        guard takeover.isSettled else { return false }
        toolRuns()
        return true
    }

    /// What the caller attached is the tool's alone from here on.
    private func toolRuns() {
        request.releaseStreams()
        request.channel?.close()
    }

    // MARK: - Limits that the kernel does not keep for us

    private mutating func check(_ now: UInt64) {
        if let at = forceAt, now >= at {
            if insisted { // a process that the kernel cannot end now; it dies when its call returns
                isGivenUp = true
            } else {
                _ = try? process?.kill(SIGKILL)
                insisted = true
                forceAt = now + Self.teardownLimit
            }
        }
        if let at = killAt, now >= at {
            killAt = nil
            killTree()
        }
        if let at = conversation.endAt, now >= at, !cause.isSettled, exited == nil {
            cause.settle(.cancelled)
            killTree()
        }
        if now >= deadline, !cause.isSettled, exited == nil {
            cause.settle(.timedOut(limitMilliseconds: request.confinement.limits.wallMilliseconds))
            // A tool may clean up; it is never waited for.
            order(GB_ORDER_SIGNAL, signal: SIGTERM)
            killAt = now + Self.grace
        }
        if started != nil, exited == nil, now >= nextSample {
            nextSample = now + samplePeriod
            askForUsage()
        }
        if wantsSample, exited == nil { askForUsage() }
    }

    private mutating func askForUsage() {
        guard !awaitsUsage else { return }
        usageAskedAt = MonotonicClock.now()
        awaitsUsage = order(GB_ORDER_USAGE)
    }

    private mutating func checkUsage() {
        let limits = request.confinement.limits
        // Who hides what it writes gets no new files: the limit could not be kept otherwise.
        mediator?.noteSample(written: usage.writtenBytes, isHidden: usage.hiddenProcesses > 0, at: usageAskedAt)
        // Files that were open before can still grow. One sample may hit a program that is just starting; two in a row are intent.
        hiddenSamples = usage.hiddenPID > 1 ? hiddenSamples + 1 : 0
        if hiddenSamples >= 2 {
            hiddenKills += 1
            order(GB_ORDER_KILL, pid: usage.hiddenPID)
        }
        if takeover.without(usage).cpuMicroseconds / 1000 >= limits.cpuMilliseconds {
            cause.settle(.cpuExceeded(limitMilliseconds: limits.cpuMilliseconds))
            killTree()
        } else if usage.writtenBytes >= limits.diskBytes.clampedPlus(limits.fileBytes) {
            // New names were refused from the limit on; growing files that are open already is what remains.
            cause.settle(.diskExceeded(limit: limits.diskBytes))
            killTree()
        } else if !preparation.countsMemory, usage.residentBytes > limits.memoryBytes, usage.largestPID > 1 {
            // As the kernel's own killer would: the largest goes, the rest may cope.
            memoryKills += 1
            order(GB_ORDER_KILL, pid: usage.largestPID)
            nextSample = MonotonicClock.now() + samplePeriod / 5
        }
    }

    // MARK: - Ending

    /// Tells the init to kill its tree and report; an init that does not answer is killed, and the kernel kills the rest.
    private mutating func killTree() {
        guard process.number != nil else { return } // not launched yet: `launched` comes back here
        if exited == nil, started != nil { order(GB_ORDER_KILL) } else { _ = try? process?.kill(SIGKILL) }
        if forceAt == nil { forceAt = MonotonicClock.now() + Self.insistence }
    }

    @discardableResult
    private borrowing func order(_ kind: gb_order_kind, signal: Int32 = 0, pid: Int32 = 0) -> Bool {
        guard let number = status.number else { return false }
        let order = gb_order(kind: kind.rawValue, signal: signal, pid: pid, reserved: 0)
        return (try? DescriptorMessage.send(on: number, header: withUnsafeBytes(of: order) { Array($0) })) != nil
    }

    /// Passes on what the dead tree left. Only the caller's own readers can be slow now; they are waited for until the run is
    /// cancelled.
    private mutating func drain(_ buffer: UnsafeMutableRawBufferPointer) {
        stdout.treeEnded()
        stderr.treeEnded()
        terminal?.treeEnded(buffer)
        while failed == nil {
            while stdout.isOpen, !stdout.hasWaiting { stdout.advance(buffer) }
            while stderr.isOpen, !stderr.hasWaiting { stderr.advance(buffer) }
            var entries: [pollfd] = []
            if stdout.hasWaiting, let entry = stdout.pollEntry { entries.append(entry) }
            if stderr.hasWaiting, let entry = stderr.pollEntry { entries.append(entry) }
            if let entry = terminalEntries.screen { entries.append(entry) }
            if entries.isEmpty { break }
            if let cancellation { entries.append(pollfd(fd: cancellation.descriptor, events: Int16(POLLIN), revents: 0)) }
            guard (try? Polling.wait(&entries, deadline: nil)) != nil else { break }
            if cancellation != nil, entries.last?.revents != 0 { break }
            if stdout.hasWaiting { stdout.advance(buffer) }
            if stderr.hasWaiting { stderr.advance(buffer) }
            terminal?.advanceScreen()
        }
        terminal?.restore()
        let limit = request.confinement.limits.outputBytes
        if stdout.isOverLimit { cause.settle(.outputLimitExceeded(limit: limit, stream: "stdout")) }
        if stderr.isOverLimit { cause.settle(.outputLimitExceeded(limit: limit, stream: "stderr")) }
        if terminalState.isOverLimit { cause.settle(.outputLimitExceeded(limit: limit, stream: "terminal")) }
        stdout.drop()
        stderr.drop()
    }

    /// On a terminal the two streams are one.
    private var outputs: (stdout: CapturedOutput, stderr: CapturedOutput) {
        var first = stdout.result()
        first.totalBytes += terminalState.total
        return (first, stderr.result())
    }

    private func decideOutcome(_ events: ControlGroupEvents?) -> RunOutcome {
        if let failed { return preparation.outcome(ofFailure: failed, program: request.arguments[0]) }
        if let settled = cause.outcome { return settled }
        guard let exited else { return .launcherDied }
        return preparation.outcome(
            ofStatus: exited.status, limits: request.confinement.limits,
            memoryKills: memoryKills + (events?.oomKills ?? 0),
            cpuMicroseconds: usage.cpuMicroseconds)
    }
}
