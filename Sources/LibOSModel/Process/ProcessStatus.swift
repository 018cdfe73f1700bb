/// Where an agent process stands. The words are those of the reference runtime; `suspended` and `waiting_tool` are read from
/// older stores and never written.
package enum ProcessStatus: String, Sendable, CaseIterable, Hashable {
    case created, runnable, running
    case waitingEvent = "waiting_event"
    case waitingTool = "waiting_tool"
    case waitingHuman = "waiting_human"
    case paused, suspended
    case exited, failed, killed

    /// Terminal is final: no transition leads out.
    package var isTerminal: Bool {
        switch self {
        case .exited, .failed, .killed: true
        default: false
        }
    }

    package var isWaiting: Bool {
        switch self {
        case .waitingEvent, .waitingTool, .waitingHuman: true
        default: false
        }
    }
}

/// How a child's memory view relates to its parent's.
package enum ForkMode: String, Sendable, CaseIterable, Hashable {
    case copy, restricted, speculative, worker

    package var viewMode: ViewMode {
        switch self {
        case .copy: .copyOnWrite
        case .speculative: .ephemeral
        case .restricted, .worker: .readOnly
        }
    }
}

package enum ProcessSignal: String, Sendable, CaseIterable, Hashable {
    case pause, resume, cancel, interrupt, terminate
}
