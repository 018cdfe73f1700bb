internal import ArgumentParser
internal import LibOSModel

struct HumanRejectCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "reject", abstract: "Say no. The agent goes on and may choose another way; a wish is denied from now on.")

    @Option(help: "Why; the agent reads it.") var reason: String?
    @OptionGroup var decision: DecisionOptions

    func perform(_ interruption: Interruption) async throws -> Int32 {
        try await decision.settle { request, _ in
            var final = HumanDecision(responder: "human:\(decision.responder)", isApproved: false, reason: reason)
            if case .permission = request.content { final.policy = .alwaysDeny }
            return final
        }
    }
}
