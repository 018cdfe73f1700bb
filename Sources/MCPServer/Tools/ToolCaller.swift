package import StrictJSON

/// Makes calls on behalf of the one client of a session. The server decodes and answers; what a call may do is decided behind this.
package protocol ToolCaller: Sendable {
    /// One call to its end, or to a question that somebody has to answer first. Cancelling the task ends the tool with its whole tree.
    func call(_ name: String, _ arguments: JSONValue, progress: @escaping CallProgressHandler) async -> CallReply
}

/// What a call can tell of itself while it is under way.
package enum CallProgress: Sendable, Equatable {
    /// It was decided that it may be made, and its intent is on record.
    case decided
    /// The tool's own words.
    case said(String)
}

package typealias CallProgressHandler = @Sendable (CallProgress) -> Void

package enum CallReply: Sendable, Equatable {
    case done(CallAnswer)
    /// Nothing was done; the same call goes through once when the question was answered with yes.
    case question(PendingQuestion)
}

/// What a client is told at the end of a call.
package struct CallAnswer: Sendable, Equatable {
    package var isError: Bool
    /// An object: for programs as it is, and the same as text for models.
    package var content: JSONValue
    /// Under `_meta`, as wrapped servers have it.
    package var facts: JSONValue

    package init(isError: Bool, content: JSONValue, facts: JSONValue) {
        self.isError = isError
        self.content = content
        self.facts = facts
    }
}

/// A call that a person has to agree to.
package struct PendingQuestion: Sendable, Equatable {
    /// `hreq_…`
    package var request: String
    package var tool: String
    package var arguments: JSONValue
    /// With which a person answers on this host.
    package var command: String
    /// For clients that nobody answers for: how to have it answered, and to call again.
    package var unanswered: CallAnswer
    /// Whether this call has opened it: nobody knows of it yet.
    package var isNew: Bool

    package init(request: String, tool: String, arguments: JSONValue, command: String, unanswered: CallAnswer, isNew: Bool) {
        self.request = request
        self.tool = tool
        self.arguments = arguments
        self.command = command
        self.unanswered = unanswered
        self.isNew = isNew
    }
}
