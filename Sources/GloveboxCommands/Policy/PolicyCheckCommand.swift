internal import ArgumentParser
internal import CapabilityLanguage
internal import CommandOutput
internal import Glovebox
internal import SandboxPolicy
internal import StrictJSON

struct PolicyCheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Is this policy valid, and is this action allowed?",
        discussion: """
            Exit code 0: every action is allowed (without actions: the policy is valid). 1: one is denied. 3: none is denied, but \
            somebody would have to agree. 125: the policy is not valid; every error is listed.

            glovebox policy check workspace "filesystem:workspace:src/main.c write"
            glovebox policy check ./mine.yaml
            """)

    @Argument(help: "A policy by its name or by the path of its file.") var policy: String
    @Argument(help: ArgumentHelp("`RESOURCE RIGHT[,RIGHT]`, each in one word of the shell.", valueName: "action"))
    var actions: [String] = []
    @Option(help: "The workspace: its files then have two names, and rules of both count.", completion: .directory)
    var workspace: String?
    @OptionGroup var options: PolicyOptions
    @Flag(help: "Print JSON (glovebox.policy.check/1).") var json = false

    func run() throws {
        let loaded: ResolvedPolicy
        do throws(PolicyError) {
            loaded = try options.load(policy)
        } catch {
            if json {
                Console.printJSON(
                    .object([
                        "schema": .string("glovebox.policy.check/1"), "valid": .bool(false),
                        "errors": .array(([error] + error.others).map(PolicyErrorText.value)),
                    ]))
            } else {
                for line in PolicyErrorText.all(error) { Console.complain(line) }
            }
            throw ExitCode(ExitStatus.failure)
        }
        let directory = try workspace.map { path throws(PolicyError) in try Workspace(checking: path, writable: true).path }
        var decisions: [(action: PolicyAction, decision: Decision)] = []
        for text in actions { decisions.append(try decide(text, loaded, workspace: directory)) }
        let effect = decisions.map(\.decision.effect).min() ?? .allow
        report(loaded, decisions, effect)
        switch effect {
        case .allow: return
        case .ask: throw ExitCode(ExitStatus.ask)
        case .deny: throw ExitCode(ExitStatus.negative)
        }
    }

    private func decide(
        _ text: String, _ policy: ResolvedPolicy, workspace: String?
    ) throws(CommandFailure) -> (action: PolicyAction, decision: Decision) {
        do throws(ResourceProblem) {
            let action = try PolicyAction.parse(text)
            return (action, policy.decide(action, workspace: workspace))
        } catch {
            throw .usage("`\(text)`: \(error.message); \(error.mend)")
        }
    }

    /// Whose answer counts, where somebody must be asked.
    private static func channel(_ action: PolicyAction, _ decision: Decision, _ policy: ResolvedPolicy) -> AskTrust? {
        guard decision.effect == .ask else { return nil }
        if action.resource.kind == .mcp { return policy.askTrustOfServer }
        return policy.askTrust(for: action.resource, rights: action.rights)
    }

    private func report(_ policy: ResolvedPolicy, _ decisions: [(action: PolicyAction, decision: Decision)], _ effect: Effect) {
        if json {
            Console.printJSON(
                .object([
                    "schema": .string("glovebox.policy.check/1"), "valid": .bool(true), "policy": .string(policy.name),
                    "hash": .string(policy.hash), "effect": .string(effect.rawValue),
                    "decisions": .array(
                        decisions.map { action, decision in
                            .object([
                                "action": .string(action.description), "effect": .string(decision.effect.rawValue),
                                "reason": .string(decision.reason), "certain": .bool(decision.isCertain),
                                "caveat": .optional(decision.caveat),
                                "ask_channel": .optional(Self.channel(action, decision, policy)?.channel.rawValue),
                                "rule": .optional(decision.rule?.text), "at": .optional(decision.rule?.location),
                                "smallest_grant": .optional(decision.smallestGrant),
                            ])
                        }),
                ]))
            return
        }
        if decisions.isEmpty {
            Console.print("\(policy.name): valid, \(policy.rules.count) rules with its parents, \(policy.hash)")
        }
        let style = TextStyle.of(1)
        for (action, decision) in decisions {
            let colour: TextStyle.Colour = decision.effect == .allow ? .green : decision.effect == .ask ? .yellow : .red
            Console.print("\(style(decision.effect.rawValue, colour))  \(SafeText.line(action.description))")
            Console.print("       \(SafeText.line(decision.reason))")
            if let grant = decision.smallestGrant { Console.print("       the smallest rule that allows it: \(SafeText.line(grant))") }
            if let caveat = decision.caveat { Console.print("       \(SafeText.line(caveat))") }
            if let trust = Self.channel(action, decision, policy) {
                let place = trust.channel == .local ? "answered on this machine alone" : "may be answered in a form of an MCP client"
                Console.print("       \(place): \(SafeText.line(trust.reason))")
            }
        }
    }
}
