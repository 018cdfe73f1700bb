internal import LibOSModel

/// Every way from one status to another. Each checks where the process stands, keeps the typed state together with the status
/// and raises the generation; what is not written here cannot happen to a process.
extension AgentProcess {
    /// A created process may run from now on.
    mutating func admit(at now: Timestamp) throws(LibOSError) {
        guard status == .created else { throw refused("be admitted") }
        become(.runnable, at: now)
    }

    /// The scheduler gives it a quantum.
    mutating func startQuantum(at now: Timestamp) throws(LibOSError) {
        guard status == .runnable else { throw refused("run") }
        become(.running, at: now)
    }

    /// The quantum is over. A status that something set meanwhile stays. Returns whether anything changed.
    mutating func endQuantum(at now: Timestamp) -> Bool {
        guard status == .running else { return false }
        become(.runnable, at: now)
        return true
    }

    /// A tool that stayed alive through a wait goes on, inside the quantum that it began in. A pause stays a pause.
    mutating func continueQuantum(at now: Timestamp) throws(LibOSError) {
        switch status {
        case .running: return
        case .runnable, .waitingHuman, .waitingEvent, .waitingTool: become(.running, at: now)
        case .paused: wait = nil
        default: throw refused("go on")
        }
    }

    /// Something has to happen first. Human requests add up; any other second wait is refused, because one process waits for
    /// one thing.
    mutating func enter(_ new: WaitState, at now: Timestamp) throws(LibOSError) {
        var joined = new
        switch (status, wait) {
        case (.running, _), (.runnable, _), (.paused, nil): break
        case (.waitingHuman, .human(let old)), (.paused, .human(let old)):
            guard case .human(let more) = new else { throw refused("wait for something else as well") }
            joined = .human(old.union(more))
        case (_, .some(let old)) where old == new && !status.isTerminal: return
        default: throw refused("wait")
        }
        let isPaused = status == .paused
        become(isPaused ? .paused : joined.status, at: now)
        wait = joined
    }

    /// Its wait is over. A waker that saw another generation is late: it wakes nobody. Returns whether it woke.
    mutating func wake(seen seenGeneration: Int64, at now: Timestamp) -> Bool {
        guard status.isWaiting, generation == seenGeneration else { return false }
        become(.runnable, at: now)
        return true
    }

    /// Holds it. What it waits for is kept, so that resuming goes back to it.
    mutating func hold(_ reason: PauseReason, at now: Timestamp) throws(LibOSError) {
        guard !status.isTerminal else { throw refused("be paused") }
        let kept = wait
        become(.paused, at: now)
        wait = kept
        pause = reason
    }

    /// Lets a held process go on: back to its wait, or to the scheduler when there is none or it is over.
    mutating func release(waitIsOver: Bool, at now: Timestamp) throws(LibOSError) {
        guard status == .paused else { throw refused("be resumed") }
        if let kept = wait, !waitIsOver {
            become(kept.status, at: now)
            wait = kept
        } else {
            become(.runnable, at: now)
        }
    }

    /// The end, which is final.
    mutating func end(_ terminal: ProcessStatus, _ how: ProcessOutcome, at now: Timestamp) throws(LibOSError) {
        precondition(terminal.isTerminal, "an end is a terminal status")
        guard !status.isTerminal else { throw refused("end") }
        become(terminal, at: now)
        outcome = how
    }

    private mutating func become(_ new: ProcessStatus, at now: Timestamp) {
        status = new
        wait = nil
        pause = nil
        generation += 1
        updatedAt = now
    }

    private func refused(_ what: String) -> LibOSError {
        LibOSError(.process, "process \(id) cannot \(what): it is \(status.rawValue)")
    }
}

extension AgentProcess {
    /// Refuses what only a process that has not ended may do.
    func requireAlive(to what: String) throws(LibOSError) {
        if status.isTerminal { throw LibOSError(.process, "process \(id) cannot \(what): it is \(status.rawValue)") }
    }
}
