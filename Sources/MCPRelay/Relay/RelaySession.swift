internal import Glibc
package import LinuxPrimitives
internal import ModelContextProtocol
package import SandboxLauncher

/// One wrapped server from its start to its end, on the calling thread: a `poll` for everything that can happen, in which nothing but
/// the gate's decisions is waited for.
package struct RelaySession: ~Copyable {
    /// Descriptors of the client's, borrowed.
    package struct Client: Sendable {
        package var input: Int32
        package var output: Int32
        /// Where the server's log goes.
        package var log: Int32
        package var cleansLog: Bool

        package init(input: Int32, output: Int32, log: Int32, cleansLog: Bool) {
            self.input = input
            self.output = output
            self.log = log
            self.cleansLog = cleansLog
        }
    }

    private let limits: RelayLimits
    private let gate: any ToolGate
    private var engine: RelayEngine
    private var toClient = OutgoingBytes()
    private var toServer = OutgoingBytes()
    private let server: ServerRun
    private let source: NonBlockingReader
    private var target: NonBlockingWriter
    private let clientOutput: Int32
    private let interruption: Int32?
    private var clientLines: MessageLineReader
    private var serverLines: MessageLineReader

    /// As the last wait has found them.
    private var isServerReady = true
    private var isClientReady = true
    private var isClientAtEnd = false
    private var isClientGone = false
    private var isServerAtEnd = false
    private var isInputClosed = false
    private var isCancelled = false
    private var isInterrupted = false
    private var heard = MonotonicClock.now()
    private var brief = BriefWatch()
    /// The server was sent something and has not said anything since.
    private var isAnswerExpected = false
    /// When a server that should end is ended.
    private var farewell: UInt64?

    /// Starts the server.
    /// - Parameter interruption: readable when the relay is to end; borrowed.
    package init(
        _ request: RunRequest, client: Client, gate: any ToolGate, limits: RelayLimits, supervisor: SandboxSupervisor, interruption: Int32?
    ) throws(SystemError) {
        self.limits = limits
        self.gate = gate
        engine = RelayEngine(gate: gate, limits: limits)
        clientLines = MessageLineReader(longest: limits.messageBytes)
        serverLines = MessageLineReader(longest: limits.messageBytes)
        source = NonBlockingReader(client.input)
        target = NonBlockingWriter(client.output)
        clientOutput = client.output
        self.interruption = interruption
        server = try ServerRun.start(request, stderr: client.log, sanitizeStderr: client.cleansLog, supervisor)
    }

    /// Relays until the server has ended. Nothing of its tree is alive when this returns.
    package consuming func run() -> RunReport {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
        defer { buffer.deallocate() }
        let blocked = SignalGuard() // a server that closes its input must not end the process
        defer { blocked.restore() }
        while true {
            wait()
            takeViolations()
            // Asked before reading: what a dead server has left is read to its end below.
            let report = server.report
            if isServerReady, !isServerAtEnd { readServer(buffer) }
            if isClientReady, report == nil, !isClientAtEnd { readClient(buffer) }
            let now = MonotonicClock.now()
            engine.expire(now: now, heard: heard)
            flush()
            if isClientGone { cancel() }
            if let at = farewell, now >= at { cancel() }
            // Whoever was told to end does not wait for a client that reads slowly.
            if let report, isServerAtEnd || isClientGone || isInterrupted { return conclude(report) }
            if !isInputClosed, isClientAtEnd, toServer.isEmpty {
                isInputClosed = true
                server.closeInput()
                farewell = now &+ limits.farewell
            }
        }
    }

    private var mayReadClient: Bool { toServer.count < limits.queuedBytes && toClient.count < limits.queuedBytes }

    private mutating func cancel() {
        if isCancelled { return }
        isCancelled = true
        farewell = nil
        server.cancel()
    }

    // MARK: - Waiting

    private mutating func wait() {
        var entries: [pollfd] = []
        func entry(_ number: Int32, _ events: Int32) -> pollfd { pollfd(fd: number, events: Int16(events), revents: 0) }
        entries.append(entry(server.wakeNumber, POLLIN))
        var (serverAt, clientAt): (Int?, Int?)
        if !isServerAtEnd, toClient.count < limits.queuedBytes {
            serverAt = entries.count
            entries.append(entry(server.outputNumber, POLLIN))
        }
        if !isClientAtEnd, mayReadClient {
            clientAt = entries.count
            entries.append(source.pollEntry)
        }
        if !isInputClosed, !toServer.isEmpty { entries.append(entry(server.inputNumber, POLLOUT)) }
        if !isClientGone {
            // Without anything to write, only its going is of interest.
            entries.append(toClient.isEmpty ? entry(clientOutput, 0) : target.pollEntry)
        }
        let outputAt = isClientGone ? nil : entries.count - 1
        if let interruption, !isCancelled { entries.append(entry(interruption, POLLIN)) }
        let look = engine.nextLook == .max ? nil : engine.nextLook
        let deadline = [farewell, look].compactMap { $0 }.min()
        let isSeen = isAnswerExpected && ((try? brief.look(&entries)) ?? 0) > 0
        isAnswerExpected = false
        guard isSeen || (try? Polling.wait(&entries, deadline: deadline)) != nil else { return }
        isServerReady = serverAt.map { entries[$0].revents != 0 } ?? false
        isClientReady = clientAt.map { entries[$0].revents != 0 } ?? false
        if entries[0].revents != 0 { server.drainWake() }
        if let outputAt, toClient.isEmpty, entries[outputAt].revents & Int16(POLLERR | POLLHUP | POLLNVAL) != 0 {
            isClientGone = true
        }
        if interruption != nil, !isCancelled, let last = entries.last, last.fd == interruption, last.revents != 0 {
            isClientAtEnd = true
            isInterrupted = true
            cancel()
        }
    }

    // MARK: - Moving bytes

    private mutating func readServer(_ buffer: UnsafeMutableRawBufferPointer) {
        switch try? Transfer.readAvailable(server.outputNumber, into: buffer) {
        case .bytes(let count):
            heard = MonotonicClock.now()
            if isClientAtEnd, farewell != nil { farewell = heard &+ limits.farewell }
            serverLines.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            while let item = serverLines.next() { engine.fromServer(item, now: heard) }
        case .nothing: break
        case .end, nil:
            isServerAtEnd = true
            // It is ending; one that goes on without its output is of no use to anybody.
            if farewell == nil, !isCancelled { farewell = MonotonicClock.now() &+ limits.farewell }
        }
    }

    private mutating func readClient(_ buffer: UnsafeMutableRawBufferPointer) {
        switch try? source.read(into: buffer) {
        case .bytes(let count):
            clientLines.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            takeFromClient(MonotonicClock.now())
        case .nothing: break
        case .end, nil: isClientAtEnd = true
        }
    }

    /// Most messages whose calls are decided in one transaction: whoever waits for the store meanwhile waits for so many.
    private static let mostTogether = 64

    private mutating func takeFromClient(_ now: UInt64) {
        var items: [MessageLineReader.Item] = []
        while let item = clientLines.next() {
            items.append(item)
            guard items.count == Self.mostTogether else { continue }
            take(items, now)
            items.removeAll(keepingCapacity: true)
            // Decisions may have waited for the store. Whoever ends the relay meanwhile wants nothing more of it.
            if let interruption, (try? Polling.wait(interruption, for: .readable, deadline: 0)) == true { return }
        }
        take(items, now)
    }

    /// Of many calls at once each has its record before it goes on, as a single one has, and all of them wait for one commit. When that
    /// fails nothing has happened: nobody was sent anything yet, and each is decided by itself.
    private mutating func take(_ items: [MessageLineReader.Item], _ now: UInt64) {
        if items.count(where: Self.mayBeCall) > 1 {
            var trial = engine
            if gate.together({ for item in items { trial.fromClient(item, now: now) } }) {
                engine = trial
                return
            }
        }
        for item in items { engine.fromClient(item, now: now) }
    }

    private static func mayBeCall(_ item: MessageLineReader.Item) -> Bool {
        guard case .line(let line) = item else { return false }
        return line.withUnsafeBytes { WordSearch.holds($0, "tools/call") }
    }

    private mutating func flush() {
        toClient.take(&engine.toClient)
        toServer.take(&engine.toServer)
        if !isClientGone, !toClient.isEmpty { isClientGone = toClient.write { target.write($0) } }
        if isClientGone { toClient.drop() }
        guard !isInputClosed, !toServer.isEmpty else { return }
        let number = server.inputNumber
        isAnswerExpected = engine.hasOpenRequests
        let isGone = toServer.write { (bytes) -> NonBlockingWriter.Taken in
            do throws(SystemError) {
                return .bytes(try Transfer.write(number, from: bytes))
            } catch {
                return error.isWouldBlock ? .nothing : .gone
            }
        }
        if isGone { toServer.drop() } // the server has closed its input, and its output will tell
    }

    // MARK: - The end

    private mutating func takeViolations() {
        let waiting = server.takeViolations()
        let now = MonotonicClock.now()
        for violation in waiting.violations { engine.violated(violation, now: now) }
        for (kind, count) in waiting.lost { engine.violationsLost(count, kind: kind) }
    }

    private consuming func conclude(_ report: RunReport) -> RunReport {
        takeViolations()
        if isClientGone { engine.clientEnded() }
        engine.serverEnded(report.outcome.sentence, hadRest: serverLines.hasRest)
        engine.conclude()
        // The last answers, to a client that reads them.
        let deadline = MonotonicClock.now() &+ limits.farewell
        flush()
        while !toClient.isEmpty, !isClientGone {
            var entries = [target.pollEntry]
            guard let ready = try? Polling.wait(&entries, deadline: deadline), ready > 0 else { break }
            flush()
        }
        if let entry = target.finish() {
            var entries = [entry]
            _ = try? Polling.wait(&entries, deadline: deadline)
        }
        return report
    }
}

extension RunOutcome {
    /// How it ended, for whoever waits for an answer.
    var sentence: String {
        switch self {
        case .exited(let code): "it exited with status \(code)"
        case .signaled(let signal): "signal \(signal) ended it"
        case .timedOut(let limit): "it reached the limit of \(limit) ms"
        case .cpuExceeded(let limit): "it used \(limit) ms of processor time, which is its limit"
        case .memoryExceeded(let limit): "it needed more than \(limit) bytes of memory"
        case .outputLimitExceeded(let limit, _): "it wrote more than \(limit) bytes"
        case .diskExceeded(let limit): "it wrote more than \(limit) bytes to disk"
        case .violation(let text): "the kernel ended it: \(text)"
        case .cancelled: "it was stopped"
        case .setupFailed(let stage, _, let message): "it was not started (\(stage)): \(message)"
        case .notFound(let program): "the program \(program) is not there, or not in the sandbox"
        case .notExecutable(let program, _): "the program \(program) may not be executed"
        case .launcherDied: "the launcher ended while it ran"
        }
    }
}
