internal import Glibc
internal import Glovebox
internal import LinuxPrimitives
internal import SandboxLauncher
internal import StrictJSON
internal import Synchronization

/// A supervisor with a pool, and the clients that have it run their tools.
///
/// Each connection is served on one thread, and by no thread that serves another meanwhile. Threads wait in `accept` themselves, so that
/// a client is not handed from one to another; before the last one of those takes a client it starts the next.
final class RunServer: Sendable {
    let supervisor: SandboxSupervisor
    let settings: SandboxPoolSettings
    let policies: PolicyCache
    let standing: ProcessStanding
    let build: [UInt8]
    private let began = MonotonicClock.now()
    private let state = Mutex(State())
    private let callEnded: EventDescriptor

    private struct State {
        /// Threads, and how many of them wait for a client.
        var threads = 0
        var waiting = 0
        /// Connections of runs that have been accepted.
        var running: Set<Int32> = []
        var isEnding = false
        var counts = ServerCounts()
    }

    /// Threads that stay when there is less to do.
    private static let idleThreads = 3
    /// Clients at a time. More wait to be accepted, and go without a server if that takes long.
    let capacity: Int

    private static let mostClients = 64
    /// Descriptors that a run holds, and what the rest of the server needs.
    private static let descriptorsPerRun: UInt64 = 24
    private static let descriptorsInAll: UInt64 = 96

    init(
        supervisor: SandboxSupervisor, settings: SandboxPoolSettings, policies: PolicyCache, standing: ProcessStanding, build: [UInt8]
    ) throws(SystemError) {
        self.supervisor = supervisor
        self.settings = settings
        self.policies = policies
        self.standing = standing
        self.build = build
        callEnded = try EventDescriptor()
        let descriptors = KernelFacts.openFiles()?.soft ?? 1024
        let room = (descriptors - min(descriptors, Self.descriptorsInAll)) / Self.descriptorsPerRun
        capacity = max(1, min(Self.mostClients, Int(clamping: room)))
    }

    // MARK: - Clients

    /// Begins to take clients. The descriptor is borrowed for good. False when there is no thread.
    func listen(on listener: Int32) -> Bool {
        state.withLock { $0.threads += 1 }
        return start(listener)
    }

    private func start(_ listener: Int32) -> Bool {
        if DetachedThread.start({ self.work(listener) }) { return true }
        state.withLock { $0.threads -= 1 }
        return false
    }

    private func work(_ listener: Int32) {
        // Where that is refused nothing can be served from this thread: it would move the working directory of all.
        guard (try? ThreadDirectory.separate()) != nil else {
            state.withLock { $0.threads -= 1 }
            return
        }
        while true {
            state.withLock { $0.waiting += 1 }
            let connection = accept(listener)
            let startsAnother = state.withLock { state in
                state.waiting -= 1
                guard connection.number != nil, !state.isEnding, state.waiting == 0, state.threads < capacity else { return false }
                state.threads += 1
                return true
            }
            if startsAnother { _ = start(listener) }
            if let number = connection.number, !isEnding { ServedCall(server: self, connection: number).serve() }
            let leaves = state.withLock { state in
                guard state.isEnding || state.waiting >= Self.idleThreads else { return false }
                state.threads -= 1
                return true
            }
            if leaves { return }
        }
    }

    private func accept(_ listener: Int32) -> OwnedDescriptor? {
        do throws(SystemError) {
            return try LocalSocket.accept(listener)
        } catch {
            // Out of descriptors or memory: some time passes until there are more.
            if error.errno != ECONNABORTED { usleep(100_000) }
            return nil
        }
    }

    var isEnding: Bool { state.withLock { $0.isEnding } }

    /// False when the server ends. Until `hasEnded` the number may be shut down by `end`.
    func mayBegin(_ connection: Int32) -> Bool {
        state.withLock { state in
            if state.isEnding { return false }
            state.running.insert(connection)
            return true
        }
    }

    func hasEnded(_ connection: Int32) {
        let isEnding = state.withLock { state in
            state.running.remove(connection)
            return state.isEnding
        }
        if isEnding { try? callEnded.signal() }
    }

    // MARK: - The end

    /// Takes no more clients and cancels what runs; each client is told. Waits until all have been, at most so long.
    func end(milliseconds: UInt64) {
        state.withLock { state in
            state.isEnding = true
            // To a run that is the same as its client's leaving. What it says at its end still reaches the client.
            for connection in state.running { LocalSocket.stopReceiving(connection) }
        }
        let deadline = MonotonicClock.now() + milliseconds * 1_000_000
        while !state.withLock({ $0.running.isEmpty }) {
            guard (try? Polling.wait(callEnded.rawValue, for: .readable, deadline: deadline)) == true else { return }
            _ = try? callEnded.drain()
        }
    }

    // MARK: - Counting

    func note(declined reason: String) {
        state.withLock { state in
            state.counts.declined += 1
            state.counts.lastReason = String(reason.prefix(300))
        }
    }

    func note(ended report: RunReport) {
        state.withLock { state in
            switch report.launch {
            case .prepared, .parked: state.counts.prepared += 1
            case .cold, .template: state.counts.cold += 1
            }
        }
    }

    func status(asJSON: Bool) -> String {
        let (counts, running) = state.withLock { ($0.counts, $0.running.count) }
        let status = ServerStatus(
            seconds: (MonotonicClock.now() - began) / 1_000_000_000, running: running, capacity: capacity, counts: counts,
            settings: settings,
            pool: supervisor.poolStatus)
        return asJSON ? status.value.prettyText : status.lines.joined(separator: "\n")
    }
}

/// What a server has done.
struct ServerCounts: Equatable, Sendable {
    /// Runs in sandboxes that stood ready.
    var prepared: UInt64 = 0
    /// Runs whose sandbox was built for them.
    var cold: UInt64 = 0
    /// Clients that were left to run their tool themselves.
    var declined: UInt64 = 0
    var lastReason: String?
}
