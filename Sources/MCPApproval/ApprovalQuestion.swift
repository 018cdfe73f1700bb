package import LibOSModel
package import SandboxPolicy
package import StrictJSON

/// One question to the user of an MCP client: may this very call be made, once?
package struct ApprovalQuestion: Sendable, Equatable {
    /// Where the question waits for whoever answers it, by whichever channel.
    package var request: HumanRequestID
    /// The process that asks.
    package var session: ProcessID
    /// What the answer is bound to.
    package var actionHash: String
    package var argumentsHash: String
    package var trust: AskTrust
    /// What is shown.
    package var message: String

    /// - Parameters:
    ///   - place: whose tool it is: `the MCP server files`.
    ///   - rules: what asks, as the request names it.
    package init(
        _ request: HumanRequestID, of session: ProcessID, tool: String, of place: String, arguments: JSONValue, rules: [String],
        actionHash: String, trust: AskTrust
    ) {
        self.request = request
        self.session = session
        self.actionHash = actionHash
        self.trust = trust
        argumentsHash = SHA256Text.of(arguments.canonicalText)
        message = Self.message(tool: tool, place: place, arguments: arguments, rules: rules, request: request)
    }

    /// The record of how it was put.
    /// - Parameter route: `local`, `elicitation` or `input_required`.
    package func entry(route: String, _ client: ClientForms, target: String, call: ToolCallID?) -> AuditEntry {
        AuditEntry(
            actor: session.text, action: "mcp.approval_question", target: target,
            decision: .object([
                "request_id": .string(request.text), "call_id": .optional(call?.text), "route": .string(route),
                "channel": .string(route == "local" ? "local" : "mcp client \(client.name)"), "shows_forms": .bool(client.takesForms),
                "trusted": .bool(trust.channel == .any), "trust_reason": .string(trust.reason), "action_hash": .string(actionHash),
                "args_sha256": .string(argumentsHash),
            ]), correlation: call?.text ?? request.text)
    }

    /// Characters of one argument, and of all together.
    private static let longestArgument = 400
    private static let longestArguments = 3_000
    private static let mostRules = 4

    private static func message(tool: String, place: String, arguments: JSONValue, rules: [String], request: HumanRequestID) -> String {
        var lines = [
            "Glovebox asks: may the tool `\(SafeWords.line(tool, longest: 128))` of \(SafeWords.line(place, longest: 96)) be called, once, with "
                + "exactly these arguments?"
        ]
        var isCut = false
        if case .object(let members) = arguments, !members.isEmpty {
            var left = longestArguments
            for (index, member) in members.enumerated() {
                if left <= 0 {
                    lines.append("  … and \(members.count - index) more arguments")
                    isCut = true
                    break
                }
                let value = member.value.canonicalText
                let line = "  " + SafeWords.line(member.key, longest: 64) + ": " + SafeWords.line(value, longest: longestArgument)
                isCut = isCut || value.unicodeScalars.count > longestArgument || member.key.unicodeScalars.count > 64
                left -= line.unicodeScalars.count
                lines.append(line)
            }
        } else {
            lines.append("  no arguments")
        }
        if isCut { lines.append("Not all of it is shown here; whole: glovebox human show \(request)") }
        if !rules.isEmpty {
            let shown = rules.prefix(mostRules).map { SafeWords.line($0, longest: 200) }.joined(separator: "; ")
            lines.append("Asked because of: " + shown + (rules.count > mostRules ? "; and \(rules.count - mostRules) more" : ""))
        }
        return lines.joined(separator: "\n")
    }
}
