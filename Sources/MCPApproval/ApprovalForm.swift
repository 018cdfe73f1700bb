package import StrictJSON

/// The question as a form of MCP, and the reading of what comes back.
package enum ApprovalForm {
    /// Our key among the requests for input of one result.
    package static let key = "glovebox-approval"

    static let allow = "allow_once"
    static let deny = "deny"

    /// Parameters of `elicitation/create`.
    package static func parameters(_ question: ApprovalQuestion, _ family: ClientForms.Family) -> JSONValue {
        var decision = [JSONMember("type", .string("string")), JSONMember("title", .string("Decision"))]
        var members = [JSONMember("message", .string(question.message))]
        switch family {
        case .of2025June:
            decision.append(JSONMember("enum", .strings([deny, allow])))
            decision.append(JSONMember("enumNames", .strings(["Deny", "Allow once"])))
        case .of2025November, .of2026:
            members.append(JSONMember("mode", .string("form")))
            decision.append(
                JSONMember(
                    "oneOf",
                    .array([
                        .object(["const": .string(deny), "title": .string("Deny")]),
                        .object(["const": .string(allow), "title": .string("Allow once")]),
                    ])))
            decision.append(JSONMember("default", .string(deny)))
        }
        let schema = JSONValue.object([
            "type": .string("object"), "properties": .object(["decision": .object(decision)]), "required": .strings(["decision"]),
        ])
        return .object(members + [JSONMember("requestedSchema", schema)])
    }

    /// A result of 2026-07-28 that asks for input: the call is made again with the answer and with the state.
    package static func inputRequired(_ question: ApprovalQuestion, state: String) -> JSONValue {
        .object([
            "resultType": .string("input_required"),
            "inputRequests": .object([
                key: .object(["method": .string("elicitation/create"), "params": parameters(question, .of2026)])
            ]), "requestState": .string(state),
        ])
    }

    /// The result of `elicitation/create`, or our part of the responses of a call that is made again.
    package static func read(_ result: JSONValue?) -> ApprovalAnswer {
        guard case .object(let members)? = result, case .string(let action)? = result?["action"] else { return .malformed }
        let known = ["action", "content", "_meta", "resultType"]
        guard members.allSatisfy({ member in known.contains { $0.utf8.elementsEqual(member.key.utf8) } }) else { return .malformed }
        switch action {
        case "decline": return .deny
        case "cancel": return .cancel
        case "accept":
            // One member and one of two words: a form that was not filled in so is not ours.
            guard case .object(let content)? = result?["content"], content.count == 1, content[0].key == "decision",
                case .string(let word) = content[0].value
            else { return .malformed }
            return word.utf8.elementsEqual(allow.utf8) ? .allow : word.utf8.elementsEqual(deny.utf8) ? .deny : .malformed
        default: return .malformed
        }
    }
}

/// What came back for a question. Everything but `allow` leaves the call unmade.
package enum ApprovalAnswer: String, Sendable, CaseIterable {
    case allow = "allow_once"
    case deny
    /// Closed without an answer.
    case cancel
    case malformed
    /// The client could not show it.
    case failed
    case timedOut = "timed_out"
}
