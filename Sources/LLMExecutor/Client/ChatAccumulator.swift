internal import StrictJSON

/// Puts one Chat Completions answer together, from a whole body or from the pieces of a stream.
///
/// Streams differ: arguments come in fragments by `index`; some servers give every parallel call the index 0 and another `id`;
/// some send a fresh id with every fragment of one call; some send the whole call at once. A fragment starts a new call when it
/// has a name and an id that differs from the one at its index.
struct ChatAccumulator {
    let bounds: ChatBounds
    let key: SecretText?
    private(set) var content = ""
    private(set) var reasoning = ""
    private(set) var finishReason: String?
    private var calls: [Call] = []
    private var current: [Int64: Int] = [:]
    private var argumentBytes = 0
    private var usage: JSONValue = .null
    private var model: String?
    private var id: String?

    private struct Call {
        var id: String?
        var name = ""
        var text = ""
        var value: JSONValue?
    }

    init(bounds: ChatBounds, key: SecretText? = nil) {
        self.bounds = bounds
        self.key = key
    }

    /// A whole answer.
    mutating func take(body: JSONValue) throws(ModelError) {
        try takeFrame(body, piece: "message")
    }

    /// One `chat.completion.chunk`.
    mutating func take(chunk: JSONValue) throws(ModelError) {
        try takeFrame(chunk, piece: "delta")
    }

    private mutating func takeFrame(_ frame: JSONValue, piece: String) throws(ModelError) {
        guard case .object = frame else { throw malformed("the answer is \(frame.kindName), not an object") }
        if let error = frame["error"], error != .null {
            throw ModelError(.refused, "the provider says: \(ChatError.text(of: error, without: key))")
        }
        if case .string(let text)? = frame["model"] { model = text }
        if case .string(let text)? = frame["id"] { id = text }
        if let given = frame["usage"], given != .null { usage = given }
        guard let list = frame["choices"], list != .null else { return }
        guard case .array(let choices) = list else { throw malformed("`choices` is \(list.kindName)") }
        // Only the first is asked for; the last frame of a stream may have none and bring the usage.
        for choice in choices {
            if case .int(let index)? = choice["index"], index != 0 { continue }
            if case .string(let reason)? = choice["finish_reason"] { finishReason = reason }
            if let message = choice[piece], message != .null { try takeMessage(message) }
        }
    }

    private mutating func takeMessage(_ message: JSONValue) throws(ModelError) {
        content += try text(message["content"], "content")
        reasoning += try text(message["reasoning_content"] ?? message["reasoning"], "reasoning")
        if content.utf8.count > bounds.content || reasoning.utf8.count > bounds.content {
            throw malformed("the text is longer than \(bounds.content) bytes")
        }
        guard let list = message["tool_calls"], list != .null else { return }
        guard case .array(let items) = list else { throw malformed("`tool_calls` is \(list.kindName)") }
        for (position, item) in items.enumerated() { try takeCall(item, position: Int64(position)) }
    }

    private mutating func takeCall(_ item: JSONValue, position: Int64) throws(ModelError) {
        guard case .object = item else { throw malformed("a function call is \(item.kindName)") }
        var index = position
        if case .int(let given)? = item["index"] { index = given }
        let id = try text(item["id"], "id")
        let function = item["function"] ?? .null
        let name = try text(function["name"], "name")
        let at = place(index: index, id: id, name: name)
        if calls.count > bounds.toolCalls { throw malformed("there are more than \(bounds.toolCalls) function calls") }
        if !id.isEmpty { calls[at].id = id }
        // Whole names come once; a server that repeats one in every fragment means the same call.
        if calls[at].name.isEmpty { calls[at].name = name }
        switch function["arguments"] {
        case nil, .null?: break
        case .string(let fragment)?:
            calls[at].text += fragment
            argumentBytes += fragment.utf8.count
        case .some(let value):
            calls[at].value = value
            argumentBytes += value.canonicalText.utf8.count
        }
        if calls[at].text.utf8.count > bounds.arguments || argumentBytes > bounds.allArguments {
            throw malformed("the arguments of `\(calls[at].name)` are longer than is taken")
        }
    }

    private mutating func place(index: Int64, id: String, name: String) -> Int {
        if let at = current[index] {
            let isOther = !id.isEmpty && calls[at].id != nil && calls[at].id != id && !name.isEmpty
            if !isOther { return at }
        }
        calls.append(Call())
        current[index] = calls.count - 1
        return calls.count - 1
    }

    private func text(_ value: JSONValue?, _ what: String) throws(ModelError) -> String {
        switch value {
        case nil, .null?: return ""
        case .string(let text)?: return text
        // Some servers answer with parts.
        case .array(let parts)?:
            var result = ""
            for part in parts {
                if case .string(let text)? = part["text"] { result += text }
            }
            return result
        case .some(let other): throw malformed("`\(what)` is \(other.kindName), not text")
        }
    }

    private func malformed(_ message: String) -> ModelError {
        ModelError(.malformed, "the provider's answer is not Chat Completions: \(message)")
    }

    /// The completion. An answer that was cut is never one: half an argument could be a whole command.
    func completion(requestID: String?) throws(ModelError) -> ModelCompletion {
        guard let finishReason else { throw malformed("it ends without a finish_reason, so it may have been cut") }
        switch finishReason {
        case "length": throw ModelError(.malformed, "the answer was cut at the token limit (finish_reason `length`)")
        case "content_filter": throw ModelError(.refused, "the provider filtered the answer (finish_reason `content_filter`)")
        default: break
        }
        let calls = self.calls.map { call in
            ModelToolCall(
                id: call.id, callID: call.id, name: call.name,
                arguments: call.value.map { .value($0) } ?? (call.text.isEmpty ? .missing : .text(call.text)))
        }
        return ModelCompletion(
            content: content, toolCalls: calls, api: "chat_completions", model: model, requestID: requestID, responseID: id, usage: usage,
            reasoning: reasoning.isEmpty ? nil : reasoning,
            raw: .object(["finish_reason": .string(finishReason), "content": .string(content), "tool_calls": .array(calls.map(\.json))]))
    }
}

/// What a provider says when it refuses: a few clean words of it.
enum ChatError {
    static let longest = 300

    /// - Parameter key: taken out before the text is cut, which could leave half of it.
    static func text(of error: JSONValue, without key: SecretText?) -> String {
        let error = key?.redacted(from: error) ?? error
        let text: String
        if case .string(let message)? = error["message"] {
            text = message
        } else if case .string(let message) = error {
            text = message
        } else {
            text = error.canonicalText
        }
        return printable(String(text.prefix(longest)))
    }
}
