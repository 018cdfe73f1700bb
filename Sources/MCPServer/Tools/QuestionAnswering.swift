package import ModelContextProtocol
package import StrictJSON

/// Somebody who may answer a question for the client: through the client itself (`elicitation/create`, `input_required`) or past it.
package protocol QuestionAnswering: Sendable {
    /// Asked after a call came to a question, before the client is told how to have it answered elsewhere.
    func answer(_ question: PendingQuestion, _ call: CallParameters, from client: ClientContext, over channel: ClientChannel) async
        -> QuestionOutcome

    /// An answer of the client's to a request that was sent over a channel. False when nobody waits for it.
    func received(_ answer: JSONValue, to id: RequestID) -> Bool
}

package enum QuestionOutcome: Sendable, Equatable {
    /// It was decided, this way or that: the call is made again, and finds the decision.
    case decided
    /// A whole result of the protocol that ends the request, for example one of type `input_required`.
    case reply(JSONValue)
    /// The call is not made.
    case refused(CallAnswer)
    case unanswered
}

/// The way to the client of one request.
package struct ClientChannel: Sendable {
    /// Sends a message of the server's; nil where the protocol allows it none.
    package var send: (@Sendable (JSONValue) -> Void)?

    package init(send: (@Sendable (JSONValue) -> Void)?) { self.send = send }
}

/// Questions are answered on this host alone.
package struct NobodyAnswers: QuestionAnswering {
    package init() {}

    package func answer(
        _ question: PendingQuestion, _ call: CallParameters, from client: ClientContext, over channel: ClientChannel
    ) async -> QuestionOutcome { .unanswered }

    package func received(_ answer: JSONValue, to id: RequestID) -> Bool { false }
}
