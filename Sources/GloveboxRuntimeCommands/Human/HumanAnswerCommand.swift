internal import ArgumentParser
internal import CommandOutput
internal import LibOSModel

struct HumanAnswerCommand: StoreCommand {
    static let configuration = CommandConfiguration(commandName: "answer", abstract: "Answer a question.")

    @OptionGroup var decision: DecisionOptions
    @Argument(help: "The answer.") var text: String

    func perform(_ interruption: Interruption) async throws -> Int32 {
        try await decision.settle { request, _ in
            guard case .question = request.content else {
                throw CommandFailure.usage("\(request.id) is no question; use: glovebox human approve \(request.id)")
            }
            return HumanDecision(responder: "human:\(decision.responder)", isApproved: true, answer: text)
        }
    }
}
