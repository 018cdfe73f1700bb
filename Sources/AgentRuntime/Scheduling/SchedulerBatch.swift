internal import LibOSModel
internal import Synchronization

/// The bookkeeping of one run of the scheduler: quanta that are left, quanta under way, results.
final class SchedulerBatch: Sendable {
    private struct State {
        /// nil: any number.
        var left: Int?
        var charged = 0
        /// Of those that were given beyond `left`, and whose those are now.
        var unblocked = 0
        var unblocking: Set<ProcessID> = []
        var turns: [ProcessID: Int] = [:]
        var tasks: [ProcessID: Task<Void, Never>?] = [:]
        var results: [QuantumResult] = []
        /// Generations in which a turn came to nothing: the same turn would again.
        var stalled: [ProcessID: Int64] = [:]
        var failure: LibOSError?
        var signal: CommitSignal?
    }

    private let state: Mutex<State>

    init(quanta: Int?) { state = Mutex(State(left: quanta.map { max(0, $0) })) }

    func onFinish(_ signal: CommitSignal) { state.withLock { $0.signal = signal } }

    var running: [ProcessID] { state.withLock { Array($0.tasks.keys) } }
    var isSpent: Bool { state.withLock { $0.left == 0 } }
    var failure: LibOSError? { state.withLock { $0.failure } }

    /// Those that may have a turn now: fewest turns first, then oldest.
    func inTurn(_ runnable: [AgentProcess]) -> [AgentProcess] {
        state.withLock { state in
            runnable.enumerated()
                .filter { state.tasks[$0.element.id] == nil && state.stalled[$0.element.id] != $0.element.generation }
                .sorted { (state.turns[$0.element.id] ?? 0, $0.offset) < (state.turns[$1.element.id] ?? 0, $1.offset) }.map(\.element)
        }
    }

    /// Takes one quantum of those that are left.
    func reserve() -> Bool {
        state.withLock { state in
            guard let left = state.left else { return true }
            guard left > 0 else { return false }
            state.left = left - 1
            return true
        }
    }

    /// Takes one quantum beyond those of the run, for a process that another one's tool waits for. False when there were enough.
    func reserveUnblocking(_ id: ProcessID, atMost limit: Int) -> Bool {
        state.withLock { state in
            guard state.unblocked < limit else { return false }
            state.unblocked += 1
            state.unblocking.insert(id)
            return true
        }
    }

    func refundUnblocking(_ id: ProcessID) {
        state.withLock { state in
            state.unblocked -= 1
            state.unblocking.remove(id)
        }
    }

    /// Not while its last turn is still being noted, nor when a turn in this generation came to nothing already.
    func mayStart(_ process: AgentProcess) -> Bool {
        state.withLock { $0.tasks[process.id] == nil && $0.stalled[process.id] != process.generation }
    }

    func refund() { state.withLock { $0.left = $0.left.map { $0 + 1 } } }

    /// Called before the quantum can finish or just after it did: the entry is there in both cases until `finish`.
    func add(_ task: Task<Void, Never>, for id: ProcessID) {
        state.withLock { state in
            if state.tasks[id] != nil { state.tasks[id] = .some(task) }
        }
    }

    func begin(_ id: ProcessID) {
        state.withLock { state in
            state.tasks[id] = .some(nil)
            state.turns[id, default: 0] += 1
        }
    }

    func finish(_ id: ProcessID, _ result: QuantumResult, generation: Int64?) {
        end(id) { state in
            state.results.append(result)
            let isExtra = state.unblocking.remove(id) != nil
            if result.isCharged {
                if !isExtra { state.charged += 1 }
            } else {
                if !isExtra { state.left = state.left.map { $0 + 1 } }
                state.stalled[id] = generation
            }
        }
    }

    func finish(_ id: ProcessID, failure: LibOSError) {
        end(id) { $0.failure = $0.failure ?? failure }
    }

    private func end(_ id: ProcessID, _ change: (inout State) -> Void) {
        let signal = state.withLock { state in
            change(&state)
            state.tasks[id] = nil
            return state.signal
        }
        signal?.signal()
    }

    /// Cancels what is under way. Returns whose quanta those were.
    func cancelRunning() -> [ProcessID] {
        let tasks = state.withLock { $0.tasks }
        for task in tasks.values { task?.cancel() }
        return tasks.keys.sorted()
    }

    /// Returns when nothing is under way, the time is over, or `isHopeless` says that what is left will not end by itself. False when
    /// the time was over.
    func waitForQuanta(
        _ signal: CommitSignal, atMost limit: Duration, unless isHopeless: () async throws(LibOSError) -> Bool
    ) async throws(LibOSError) -> Bool {
        let isOver = Flag()
        let timer = Task {
            try? await Task.sleep(for: limit)
            isOver.raise()
            signal.signal()
        }
        defer { timer.cancel() }
        var wakeups = signal.listen().makeAsyncIterator()
        while !running.isEmpty, !isOver.isRaised, try await !isHopeless() {
            // Nil: the task is cancelled, and so is its waiting.
            if await wakeups.next() == nil { break }
        }
        return !isOver.isRaised
    }

    func report(_ stop: SchedulerReport.Stop) -> SchedulerReport {
        state.withLock { state in
            SchedulerReport(
                results: state.results, charged: state.charged, unblocking: state.unblocked, stop: stop,
                unfinished: state.tasks.keys.sorted())
        }
    }
}

private final class Flag: Sendable {
    private let state = Mutex(false)
    var isRaised: Bool { state.withLock { $0 } }
    func raise() { state.withLock { $0 = true } }
}
