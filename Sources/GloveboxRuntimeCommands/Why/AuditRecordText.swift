internal import LibOSModel
internal import StrictJSON

extension AuditRecord {
    /// One line of a story.
    var line: String { "#\(sequence)  \(timestamp)  \(entry.actor)  \(entry.action)  \(summary)  (\(id))" }

    /// The refusal that the record tells of, wherever it stands in the decision.
    var denial: JSONValue? { Self.denial(in: entry.decision) }

    private static let places = [["denial"], ["tool_result", "error", "denial"], ["error", "denial"], ["result", "error", "denial"]]

    private static func denial(in decision: JSONValue) -> JSONValue? {
        for place in places {
            var value: JSONValue? = decision
            for key in place { value = value?[key] }
            if case .object? = value { return value }
        }
        return nil
    }

    /// Whether something was refused or came to nothing.
    var isRefusal: Bool {
        if denial != nil { return true }
        switch entry.decision["policy_decision"] {
        case .string("deny"), .string("sandbox_denied"), .string("resource_limit"), .string("validation_error"): return true
        default: break
        }
        return entry.action == "llm.pending_action_rejected"
            || entry.decision["effect"] == .string("deny") && entry.action == "capability.authorize"
    }
}

extension JSONValue {
    /// A denial for people.
    var denialLines: [String] {
        var lines: [String] = []
        if let reason = self["reason"]?.plainText { lines.append(reason) }
        if let layer = self["layer"]?.plainText, let rule = self["rule"]?.plainText {
            lines.append("by \(layer): \(rule)" + (self["certain"] == .bool(false) ? " (likely, not certain)" : ""))
        }
        if case .string(let suggestion)? = self["suggestion"] { lines.append("smallest change: \(suggestion)") }
        return lines
    }
}
