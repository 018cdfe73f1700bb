internal import StrictJSON

/// Turns what a model said into one action, or says why it is none.
package struct ActionParser: Sendable {
    /// Whether an action may stand in free text. Off unless a profile asks for it: text of a model is words, not deeds.
    package var acceptsText: Bool
    /// Bytes of one call's arguments before they are read.
    package var longestArguments: Int
    /// Characters of the content that an error quotes.
    package var previewCharacters: Int

    package static let standardLongestArguments = 262_144
    package static let standardPreview = 500

    package init(
        acceptsText: Bool = false, longestArguments: Int = standardLongestArguments, previewCharacters: Int = standardPreview
    ) {
        self.acceptsText = acceptsText
        self.longestArguments = longestArguments
        self.previewCharacters = previewCharacters
    }

    /// The last call that can be understood wins; without one, the text, when that is allowed.
    package func action(from completion: ModelCompletion) throws(ActionProblem) -> ModelAction {
        var problems: [String] = []
        for call in completion.toolCalls.reversed() {
            do throws(ActionProblem) {
                return try action(from: call)
            } catch {
                problems.append(error.message)
            }
        }
        let fallback: ActionProblem
        do throws(ActionProblem) {
            guard acceptsText else { throw ActionProblem("free text is never carried out; call a function") }
            return try TextAction.parse(completion.content, longest: longestArguments)
        } catch {
            fallback = error
        }
        var message = "the response holds no action: \(fallback.message)"
        if !problems.isEmpty { message += "; function calls: " + problems.joined(separator: "; ") }
        message += "; content: \"\(printable(String(completion.content.prefix(previewCharacters))))\""
        throw ActionProblem(message)
    }

    /// One call. An argument named `action` never overrides the function that was called.
    package func action(from call: ModelToolCall) throws(ActionProblem) -> ModelAction {
        var name = (call.name ?? "").trimmed
        let members = try members(of: call.arguments, name: name)
        if name.isEmpty, case .string(let named)? = members.first(where: { $0.key == "action" })?.value { name = named.trimmed }
        if name.isEmpty { throw ActionProblem("a call names no function") }
        return ModelAction(name: name, arguments: .object(members.filter { $0.key != "action" }))
    }

    private func members(of arguments: ModelToolCall.Arguments, name: String) throws(ActionProblem) -> [JSONMember] {
        let value: JSONValue
        switch arguments {
        case .missing: return []
        case .value(.null): return []
        case .value(let given): value = given
        case .text(let text):
            if text.trimmed.isEmpty { return [] }
            if text.utf8.count > longestArguments {
                throw ActionProblem("the arguments of `\(name)` have \(text.utf8.count) bytes, \(longestArguments) are allowed")
            }
            do throws(JSONReadError) {
                value = try JSONDocument.value(of: Array(text.utf8), bounds: Self.bounds(longestArguments))
            } catch {
                throw ActionProblem("the arguments of `\(name)` are not JSON: \(error.description)")
            }
        }
        guard case .object(let members) = value else {
            throw ActionProblem("the arguments of `\(name)` are \(value.kindName), not an object")
        }
        return members
    }

    static func bounds(_ bytes: Int) -> DocumentBounds { DocumentBounds(bytes: bytes, depth: 64, nodes: 50_000) }
}

extension JSONValue {
    /// Word for messages.
    var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "true or false"
        case .int, .double: "a number"
        case .string: "text"
        case .array: "a list"
        case .object: "an object"
        }
    }
}

extension String {
    /// Without the blanks of JSON at both ends.
    var trimmed: String {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
        let bytes = utf8.drop(while: isBlank)
        guard let last = bytes.lastIndex(where: { !isBlank($0) }) else { return "" }
        return String(self[bytes.startIndex...last])
    }
}
