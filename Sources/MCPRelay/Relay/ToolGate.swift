package import LibOSModel
package import ModelContextProtocol
package import SandboxLauncher
package import StrictJSON

/// Decides what passes, and keeps the record of it. The relay asks on its own thread and waits for each answer; what it only tells is
/// taken without waiting, and is on record before anything that is asked later, or is asked together with that.
package protocol ToolGate: CallApprovals {
    func decide(_ call: ToolCall) -> GateVerdict
    /// What is decided meanwhile is put on record together, before this returns. False when that could not be: then nothing of it holds,
    /// and all of it has to be asked for anew, one by one.
    func together(_ decisions: () -> Void) -> Bool
    /// What a client is shown of the tools that a server names; nil: the answer as it is.
    func shown(_ tools: [ToolDefinition]) -> [ToolDefinition]?
    func ended(_ ticket: CallTicket, _ end: CallEnd)
    func noted(_ note: RelayNote)
}

extension ToolGate {
    package func together(_ decisions: () -> Void) -> Bool {
        decisions()
        return true
    }
}

package enum GateVerdict: Sendable {
    case pass(CallTicket)
    /// The call is not made. `text` is for the model, `facts` say the same to programs.
    case refuse(text: String, facts: JSONValue)
    /// The call is made when a person agrees to it.
    case ask(CallQuestion)
}

/// One call that was let through.
package struct CallTicket: Sendable, Hashable {
    package var id: ToolCallID
    /// `mcp:SERVER:TOOL`
    package var resource: String
    package var tool: String
    package var intent: AuditID?
    package var argumentsHash: String
    /// Of the action, when a person agreed to it.
    package var agreedHash: String?

    package init(id: ToolCallID, resource: String, tool: String, intent: AuditID?, argumentsHash: String) {
        self.id = id
        self.resource = resource
        self.tool = tool
        self.intent = intent
        self.argumentsHash = argumentsHash
    }
}

/// How a call came to its end.
package struct CallEnd: Sendable, Equatable {
    package enum Outcome: String, Sendable, CaseIterable {
        case completed
        /// The tool itself says that it failed.
        case toolError = "tool_error"
        /// The server answered with an error of the protocol.
        case protocolError = "protocol_error"
        case tooLong = "result_too_long"
        case timedOut = "timed_out"
        case serverEnded = "server_ended"
        /// The client withdrew it, or went away.
        case cancelled

        /// Why it came to no result; nil when it did.
        package var reason: String? {
            switch self {
            case .completed: nil
            case .toolError: "the tool says that it failed"
            case .protocolError: "the server answered with an error"
            case .tooLong: "the answer is longer than a result may be, and was not passed on"
            case .timedOut: "the server said nothing for as long as was waited"
            case .serverEnded: "the server ended before it answered"
            case .cancelled: "the client withdrew the call or went away"
            }
        }
    }

    package var outcome: Outcome
    /// Bytes of the answer.
    package var bytes: Int
    /// Refused by the kernel or by the supervisor while the call was under way; other calls may have caused them.
    package var violations: [Violation]
    /// Further ones, each time counted.
    package var violationsLeftOut: UInt64

    package init(_ outcome: Outcome, bytes: Int = 0, violations: [Violation] = [], violationsLeftOut: UInt64 = 0) {
        self.outcome = outcome
        self.bytes = bytes
        self.violations = violations
        self.violationsLeftOut = violationsLeftOut
    }

    init(_ outcome: Outcome, bytes: Int = 0, _ violations: CallViolations) {
        self.init(outcome, bytes: bytes, violations: violations.named, violationsLeftOut: violations.leftOut)
    }
}

/// Something that a reviewer should know of and that belongs to no call alone.
package enum RelayNote: Sendable, Equatable {
    /// A message that was not passed on.
    case dropped(Drop, from: Side, id: RequestID?)
    /// Refused inside of the sandbox.
    case violation(Violation)
    /// Further notes of a kind that are counted and not kept.
    case suppressed(Int, of: String)
    /// From now on violations of a kind are not noted one by one any more; how many those were, when the count is known.
    case violationsLeftOut(UInt64?, of: String)

    package enum Side: String, Sendable { case client, server }

    package enum Drop: String, Sendable, CaseIterable {
        case notMessage = "not-a-message"
        case tooLong = "too-long"
        /// An answer that nobody waits for: never asked for, or given already.
        case unasked = "unasked-answer"
        case duplicateID = "duplicate-id"
        case tooMany = "too-many-requests"
        /// An id that only this relay gives its own requests.
        case reservedID = "reserved-id"
        case partial = "partial-line"
        /// A list of tools that cannot be read.
        case unreadableList = "unreadable-list"

        package var reason: String {
            switch self {
            case .notMessage: "the line is no JSON-RPC 2.0 message, or a request without an id"
            case .tooLong: "the line is longer than a message may be"
            case .unasked: "the answer has an id that no open request has: it was never asked for, or is answered already"
            case .duplicateID: "a request with this id is open already"
            case .tooMany: "too many requests are open"
            case .reservedID: "its id begins like those of Glovebox's own requests, whose answers it must not get"
            case .partial: "the stream ended inside of a line"
            case .unreadableList: "the list of tools cannot be read, so that nothing of it can be compared or hidden"
            }
        }
    }
}
