/// What a process waits for. Set together with a waiting status; a pause keeps it, so that resuming goes back to it.
package enum WaitState: Sendable, Hashable {
    /// Every one of these must be decided.
    case human(Set<HumanRequestID>)
    /// A direct child that has not ended.
    case child(ProcessID)
    /// An unread message that matches.
    case message(MessageFilter)

    package var status: ProcessStatus {
        switch self {
        case .human: .waitingHuman
        case .child, .message: .waitingEvent
        }
    }
}

/// How a process ended. Set with a terminal status.
package enum ProcessOutcome: Sendable, Hashable {
    /// It exited and left an object.
    case result(ObjectID)
    /// It exited; the words are its own.
    case message(String)
    /// The runtime gave it up: what went wrong, in one line.
    case failure(String)
    /// A signal ended it.
    case signal(ProcessSignal, reason: String?)
    /// A budget of it or of an ancestor was used up.
    case budget(BudgetItem)
}

/// Why a process is paused.
package enum PauseReason: Sendable, Hashable {
    case signal(String?)
    /// The runtime ended while the process ran: nothing was replayed, and what was under way is unknown.
    case interrupted
}

/// The answer of an operation that may have to wait. The wait is recorded before it is returned.
package enum Completion<Value: Sendable>: Sendable {
    case done(Value)
    case waiting(WaitState)
}
