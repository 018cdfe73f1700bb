package import StrictJSON

/// Something that chooses the next action: a model behind HTTP, or a script.
package protocol ModelClient: Sendable {
    /// Name for call records.
    var name: String { get }
    /// False for scripts: a record must never pass for a model's word.
    var isRealModel: Bool { get }
    /// One attempt. It may take minutes and never blocks a thread; cancelling the task ends it.
    func complete(_ request: ModelRequest) async throws(ModelError) -> ModelCompletion
}

package struct ModelRequest: Sendable, Hashable {
    package var messages: [ModelMessage]
    /// Sorted by name, so that equal sets give equal requests.
    package var tools: [ModelTool]
    /// The process that asks: a script plays one part for each.
    package var process: String

    package init(messages: [ModelMessage], tools: [ModelTool], process: String) {
        self.messages = messages
        self.tools = tools.sorted { utf8Precedes($0.name, $1.name) }
        self.process = process
    }
}

package struct ModelMessage: Sendable, Hashable {
    package enum Role: String, Sendable { case system, user }
    package var role: Role
    package var content: String

    package init(_ role: Role, _ content: String) {
        self.role = role
        self.content = content
    }

    package var json: JSONValue { .object(["role": .string(role.rawValue), "content": .string(content)]) }
}

/// A tool as a model sees it.
package struct ModelTool: Sendable, Hashable {
    package var name: String
    package var description: String
    /// JSON Schema of the arguments.
    package var parameters: JSONValue

    package init(name: String, description: String, parameters: JSONValue) {
        self.name = name
        self.description = description
        self.parameters = parameters
    }

    /// The form of Chat Completions.
    package var json: JSONValue {
        .object([
            "type": .string("function"),
            "function": .object(["name": .string(name), "description": .string(description), "parameters": parameters]),
        ])
    }
}

/// What came back, whoever sent it. All of it is untrusted text.
package struct ModelCompletion: Sendable, Hashable {
    package var content: String
    package var toolCalls: [ModelToolCall]
    package var api: String?
    package var model: String?
    package var requestID: String?
    package var responseID: String?
    package var usage: JSONValue
    package var reasoning: String?
    package var raw: JSONValue

    package init(
        content: String = "", toolCalls: [ModelToolCall] = [], api: String? = nil, model: String? = nil, requestID: String? = nil,
        responseID: String? = nil, usage: JSONValue = .null, reasoning: String? = nil, raw: JSONValue = .null
    ) {
        self.content = content
        self.toolCalls = toolCalls
        self.api = api
        self.model = model
        self.requestID = requestID
        self.responseID = responseID
        self.usage = usage
        self.reasoning = reasoning
        self.raw = raw
    }
}

/// One call as a provider wrote it, not yet understood.
package struct ModelToolCall: Sendable, Hashable {
    package enum Arguments: Sendable, Hashable {
        case missing
        /// JSON that has not been read.
        case text(String)
        case value(JSONValue)
    }

    package var id: String?
    package var callID: String?
    package var name: String?
    package var arguments: Arguments

    package init(id: String? = nil, callID: String? = nil, name: String?, arguments: Arguments) {
        self.id = id
        self.callID = callID
        self.name = name
        self.arguments = arguments
    }

    package var json: JSONValue {
        let arguments: JSONValue =
            switch self.arguments {
            case .missing: .null
            case .text(let text): .string(text)
            case .value(let value): value
            }
        return .object(["id": .optional(id), "call_id": .optional(callID), "name": .optional(name), "arguments": arguments])
    }
}

/// Why no completion came. The words are for people and carry nothing that a provider said beyond a short, cleaned excerpt.
package struct ModelError: Error, Sendable, Hashable, CustomStringConvertible {
    package enum Code: String, Sendable, Hashable {
        /// No key, no address, nothing left of the script: only a person can mend it.
        case configuration
        /// The provider answered with an error that repeating does not mend.
        case refused
        /// It could not be reached, or gave up, and so did the retries.
        case unavailable
        /// What it sent is not what the protocol allows, or is more than is taken.
        case malformed
        case timeout
        case cancelled
    }

    package var code: Code
    package var message: String
    /// HTTP status, when there was one.
    package var status: Int?

    package init(_ code: Code, _ message: String, status: Int? = nil) {
        self.code = code
        self.message = printable(message)
        self.status = status
    }

    package var description: String { message }
}
