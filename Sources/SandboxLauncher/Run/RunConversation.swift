package import Glibc

/// A talk with the tool while it runs, held on the run's own thread: one thread fewer, and no waking of another one for each word.
/// Nothing of it may wait.
package protocol RunConversation: AnyObject, Sendable {
    /// What it waits for.
    var pollEntries: [pollfd] { get }
    /// One round: takes and gives what is there.
    func advance() -> RunConversationTurn
}

package enum RunConversationTurn: Sendable {
    case goesOn
    /// The tool has said its last word; what it still does is of no use.
    case concluded
    /// The tool broke a rule: it is ended at once.
    case broken
    /// The tool's end of the channel is closed everywhere. How it ended is for the run to say.
    case hungUp
}

/// The place of a conversation in a run.
struct HeldConversation {
    private let conversation: (any RunConversation)?
    private(set) var isOver: Bool
    /// When a tool that has not ended by itself after its last word is ended.
    private(set) var endAt: UInt64?

    /// Most end at once: ending them from outside would only wake one process more. Nanoseconds.
    private static let linger: UInt64 = 20_000_000

    init(_ conversation: (any RunConversation)?) {
        self.conversation = conversation
        isOver = conversation == nil
    }

    var pollEntries: [pollfd] { isOver ? [] : conversation?.pollEntries ?? [] }

    mutating func advance(now: UInt64) {
        guard !isOver, let turn = conversation?.advance() else { return }
        switch turn {
        case .goesOn: return
        case .concluded: endAt = now.clampedPlus(Self.linger)
        case .broken: endAt = now
        case .hungUp: break
        }
        isOver = true
    }
}
