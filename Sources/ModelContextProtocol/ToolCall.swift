package import StrictJSON

/// A `tools/call` as it decides: name and arguments, read strictly as a whole.
package struct ToolCall: Sendable, Equatable {
    package var name: String
    /// An object; empty when the call names none.
    package var arguments: JSONValue
    /// Whether the request says its protocol version itself, as requests do since 2026-07-28: results then need a `resultType`.
    package var isStateless: Bool

    /// What the server gave the client to bring along when it makes the call again.
    package var requestState: String?

    package init(name: String, arguments: JSONValue = .object([]), isStateless: Bool = false, requestState: String? = nil) {
        self.name = name
        self.arguments = arguments
        self.isStateless = isStateless
        self.requestState = requestState
    }

    package static let versionKey = "io.modelcontextprotocol/protocolVersion"
    private static let known = ["name", "arguments", "_meta", "task", "inputResponses", "requestState"]

    /// - Parameter line: the whole message, already classified.
    package static func read(_ line: [UInt8], bounds: DocumentBounds) throws(MessageProblem) -> ToolCall {
        // The server gets what was written; what is shown to people, compared with rules and hashed must be no other number.
        var bounds = bounds
        bounds.keepsNumbers = true
        let value: JSONValue
        do throws(JSONReadError) {
            value = try JSONDocument.value(of: line, bounds: bounds)
        } catch {
            throw MessageProblem(.invalidParameters, "the call cannot be read: \(error.message); \(error.mend)")
        }
        guard case .object(let members)? = value["params"], case .string(let name)? = value["params"]?["name"] else {
            throw MessageProblem(.invalidParameters, "the call names no tool")
        }
        for member in members where !known.contains(where: { $0.utf8.elementsEqual(member.key.utf8) }) {
            // Some readers take no notice of case; to them this would be the member itself.
            let folded = member.key.utf8.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }
            guard folded.allSatisfy({ $0 < 0x80 }), !known.contains(where: { $0.utf8.map { $0 | 0x20 } == folded.map { $0 | 0x20 } }) else {
                throw MessageProblem(.invalidParameters, "the call has a member that is nearly called like another one")
            }
        }
        let arguments = value["params"]?["arguments"] ?? .object([])
        guard case .object = arguments else { throw MessageProblem(.invalidParameters, "the arguments are no object") }
        var isStateless = false
        if case .object(let meta)? = value["params"]?["_meta"] { isStateless = meta.contains { $0.key == versionKey } }
        var state: String?
        if case .string(let text)? = value["params"]?["requestState"] { state = text }
        return ToolCall(name: name, arguments: arguments, isStateless: isStateless, requestState: state)
    }
}

/// One tool as a server describes it.
package struct ToolDefinition: Sendable, Equatable {
    package var name: String
    /// Everything that is said of it, but `_meta`, which changes with each answer.
    package var content: JSONValue

    package init(name: String, content: JSONValue) {
        self.name = name
        self.content = content
    }
}

/// The result of a `tools/list`.
package struct ToolListing: Sendable, Equatable {
    package private(set) var message: JSONValue
    /// In their order; an entry without a name is none.
    package private(set) var tools: [ToolDefinition]

    package static func read(_ line: [UInt8], bounds: DocumentBounds) throws(MessageProblem) -> ToolListing {
        let value: JSONValue
        do throws(JSONReadError) {
            value = try JSONDocument.value(of: line, bounds: bounds)
        } catch {
            throw MessageProblem(.invalidParameters, "the list of tools cannot be read: \(error.message)")
        }
        guard case .array(let entries)? = value["result"]?["tools"] else {
            throw MessageProblem(.invalidParameters, "the answer holds no list of tools")
        }
        var tools: [ToolDefinition] = []
        for entry in entries {
            guard case .object(let members) = entry, case .string(let name)? = entry["name"] else {
                throw MessageProblem(.invalidParameters, "an entry of the list of tools has no name")
            }
            if tools.contains(where: { $0.name.utf8.elementsEqual(name.utf8) }) {
                throw MessageProblem(.invalidParameters, "two entries of the list of tools have one name")
            }
            tools.append(ToolDefinition(name: name, content: .object(members.filter { $0.key != "_meta" })))
        }
        return ToolListing(message: value, tools: tools)
    }

    /// The whole answer with other tools in it; everything else as it was.
    package func line(showing tools: [ToolDefinition]) -> [UInt8] {
        guard case .object(var outer) = message, let at = outer.firstIndex(where: { $0.key == "result" }),
            case .object(var result) = outer[at].value, let list = result.firstIndex(where: { $0.key == "tools" }),
            case .array(let entries) = result[list].value
        else { return [] }
        result[list].value = .array(
            tools.map { tool in
                // What was not changed keeps its `_meta`.
                self.tools.firstIndex(of: tool).map { entries[$0] } ?? tool.content
            })
        outer[at].value = .object(result)
        return Array(JSONValue.object(outer).canonicalText.utf8)
    }
}
