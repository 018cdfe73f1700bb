/// Why a session is over. The first cause counts.
enum SessionEnd: Sendable, Hashable {
    case idle, lifetime, calls
    /// What the process may do is not what the worker was given.
    case authority
    /// The next call would get another sandbox: another policy, grants, directory or program.
    case confinement
    case processEnded, processPaused, processSignalled, processReplaced
    case policy
    case cancelled
    /// A call went over a limit of its own.
    case callLimit
    case violation(ProtocolViolation.Rule)
    /// The worker ended by itself, or at a limit of the whole tree: the run's outcome says how.
    case workerEnded
    /// Another session needed its place.
    case room
    case shutDown
    /// The records of its process cannot be read.
    case unknownState

    var word: String {
        switch self {
        case .idle: "idle"
        case .lifetime: "lifetime"
        case .calls: "calls"
        case .authority: "authority"
        case .confinement: "confinement"
        case .processEnded: "process_ended"
        case .processPaused: "process_paused"
        case .processSignalled: "process_signalled"
        case .processReplaced: "process_replaced"
        case .policy: "policy"
        case .cancelled: "cancelled"
        case .callLimit: "call_limit"
        case .violation(let rule): "violation:\(rule.rawValue)"
        case .workerEnded: "worker_ended"
        case .room: "room"
        case .shutDown: "shut_down"
        case .unknownState: "unknown_state"
        }
    }

    /// For people.
    var sentence: String {
        switch self {
        case .idle: "nobody called for as long as the policy keeps it"
        case .lifetime: "it was as old as the policy lets it become"
        case .calls: "it had served as many calls as the policy allows"
        case .authority: "what its process may do has changed"
        case .confinement: "the next call was to be confined otherwise"
        case .processEnded: "its process has ended"
        case .processPaused: "its process was paused"
        case .processSignalled: "its process was signalled"
        case .processReplaced: "its process became another one"
        case .policy: "its policy has changed"
        case .cancelled: "a call was cancelled"
        case .callLimit: "a call went over its limit"
        case .violation(let rule): "the worker broke the rule \(rule.rawValue)"
        case .workerEnded: "the worker ended"
        case .room: "another session needed its place"
        case .shutDown: "Glovebox ended"
        case .unknownState: "the state of its process could not be read"
        }
    }

    /// Whether a call that is under way is cut off. Otherwise it ends first, as a call of its own would.
    var cutsOff: Bool {
        switch self {
        case .cancelled, .shutDown: true
        default: false
        }
    }
}
