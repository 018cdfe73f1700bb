internal import CommandOutput
internal import StrictJSON

/// The story of one thing in the store, for people and as JSON. It repeats what is recorded and concludes nothing of its own.
struct Explanation: Sendable {
    var id: String
    /// What it is: `tool_call`, `human_request`, …
    var kind: String
    /// One line.
    var headline: String
    var parts: [Part] = []

    struct Part: Sendable {
        /// Title for people, and with `_` for blanks the key in JSON.
        var name: String
        var lines: [String]
        var json: JSONValue
    }

    /// Adds a part, unless there is nothing to say.
    mutating func add(_ name: String, _ lines: [String], _ json: JSONValue) {
        if !lines.isEmpty { parts.append(Part(name: name, lines: lines, json: json)) }
    }

    var json: [JSONMember] {
        [JSONMember("id", .string(id)), JSONMember("kind", .string(kind)), JSONMember("headline", .string(headline))]
            + parts.map { JSONMember($0.name.split(separator: " ").joined(separator: "_"), $0.json) }
    }

    var lines: [String] {
        var lines = [SafeText.line(printable(headline))]
        for part in parts {
            lines.append("\n\(part.name)")
            for line in part.lines { lines.append("  " + SafeText.line(printable(line))) }
        }
        return lines
    }
}
