package import LibOSModel
package import MCPApproval
package import ModelContextProtocol
package import StrictJSON

/// One call that a person has to agree to.
package struct CallQuestion: Sendable {
    package var question: ApprovalQuestion
    package var call: ToolCallID
    /// `mcp:SERVER:TOOL`
    package var resource: String
    /// What is answered where no form is shown, or none counts: how to agree on this machine.
    package var text: String
    package var facts: JSONValue

    package init(_ question: ApprovalQuestion, call: ToolCallID, resource: String, text: String, facts: JSONValue) {
        self.question = question
        self.call = call
        self.resource = resource
        self.text = text
        self.facts = facts
    }
}

/// How a question is put.
package enum AskRoute: String, Sendable {
    /// In words alone, which say how to agree on this machine.
    case local
    /// A request of ours to the client, of the handshake versions.
    case elicitation
    /// A result that asks for input, since 2026-07-28.
    case inputRequired = "input_required"
}

/// What a gate has to do with forms. Without an implementation of its own a gate agrees to nothing.
package protocol CallApprovals: Sendable {
    /// The process that asks; states are bound to it.
    var askingProcess: ProcessID { get }
    /// The question was put.
    func asked(_ question: CallQuestion, _ client: ClientForms, by route: AskRoute)
    /// An answer came, with the call that it is about.
    func answered(_ call: ToolCall, _ request: HumanRequestID, hash: String, _ answer: ApprovalAnswer, client: String) -> GateVerdict
    /// A call that was agreed to and whose tool asked for input is made again with it.
    func continued(_ call: ToolCall, hash: String, client: String) -> GateVerdict
    /// Nobody waits for the answer any more.
    func withdrawn(_ question: CallQuestion, because reason: String)
    /// A state that does not hold was brought. What the client is told.
    func refused(_ call: ToolCall, _ problem: SealedState.Problem, client: String) -> GateVerdict
}

extension CallApprovals {
    package var askingProcess: ProcessID { .new() }
    package func asked(_ question: CallQuestion, _ client: ClientForms, by route: AskRoute) {}
    package func answered(
        _ call: ToolCall, _ request: HumanRequestID, hash: String, _ answer: ApprovalAnswer, client: String
    ) -> GateVerdict { .refuse(text: "nobody is asked here", facts: .object([])) }
    package func continued(_ call: ToolCall, hash: String, client: String) -> GateVerdict {
        .refuse(text: "nobody is asked here", facts: .object([]))
    }
    package func withdrawn(_ question: CallQuestion, because reason: String) {}
    package func refused(_ call: ToolCall, _ problem: SealedState.Problem, client: String) -> GateVerdict {
        .refuse(text: problem.sentence, facts: .object([]))
    }
}
