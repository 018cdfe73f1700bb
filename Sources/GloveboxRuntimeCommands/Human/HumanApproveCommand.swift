internal import ArgumentParser
internal import CommandOutput
internal import LibOSModel
internal import StrictJSON

struct HumanApproveCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve", abstract: "Say yes to an action or a wish.",
        discussion: """
            Shows the exact action and what would be remembered, and asks on the terminal; anything but a yes is a no. --yes decides \
            without asking: look at it first with `human show`.
            """)

    @Flag(help: "Do not ask again.") var yes = false
    @Option(help: ArgumentHelp("For a wish: always_allow or ask_each_time.", valueName: "policy")) var policy: String?
    @Option(help: ArgumentHelp("How long what is remembered holds: 10m, 1h.", valueName: "duration")) var expires: String?
    @Option(help: "Why; the agent reads it.") var reason: String?
    @OptionGroup var decision: DecisionOptions

    func perform(_ interruption: Interruption) async throws -> Int32 {
        let policy = try self.policy.map(Self.policy)
        return try await decision.settle { request, now in
            if case .question = request.content {
                throw CommandFailure.usage("\(request.id) is a question; use: glovebox human answer \(request.id) TEXT")
            }
            var final = HumanDecision(responder: "human:\(decision.responder)", isApproved: true, reason: reason)
            if case .permission = request.content {
                final.policy = policy ?? .alwaysAllow
                final.expiresAt = try expires.map { word throws(CommandFailure) in
                    try CapabilityWords.instant(in: word, from: now, option: "--expires")
                }
            } else if policy != nil || expires != nil {
                throw CommandFailure.usage("--policy and --expires are for wishes; a yes to an action holds once")
            }
            if yes { return final }
            let prompt: TerminalPrompt
            do throws(CommandFailure) {
                prompt = try TerminalPrompt(interruption)
            } catch {
                throw CommandFailure.failed("\(error.message); look at it with `glovebox human show \(request.id)`, then add --yes")
            }
            prompt.show(HumanRequestText.lines(request, now: now))
            let end = final.expiresAt.map { ", until \($0)" } ?? ""
            prompt.show(["  \(HumanRequestText.remembered(request, policy: final.policy ?? .alwaysAllow))\(end)"])
            guard let word = await prompt.ask("yes? [y/N]") else { return nil }
            if !PromptWord.isYes(word) {
                final.isApproved = false
                if final.policy != nil { final.policy = .alwaysDeny }
                final.expiresAt = nil
            }
            return final
        }
    }

    private static func policy(_ text: String) throws(CommandFailure) -> PermissionPolicy {
        guard let policy = PermissionPolicy(rawValue: text), policy == .alwaysAllow || policy == .askEachTime else {
            throw .usage("--policy \(printable(text)): a yes is always_allow or ask_each_time; `human reject` says no")
        }
        return policy
    }
}
