internal import StrictJSON

/// One Chat Completions request body. What a provider refused once is left out from then on.
struct ChatRequest {
    var settings: ChatSettings
    var request: ModelRequest
    var omitted: Set<Option>
    var asksForSchema: Bool
    /// Some servers let a model think until nothing is left for the answer.
    var disablesThinking = false

    /// Parts of a body that a provider may not know, by the names that its complaint holds.
    enum Option: String, CaseIterable {
        case streamOptions = "stream_options"
        case parallelToolCalls = "parallel_tool_calls"
        case toolChoice = "tool_choice"
        case maxCompletionTokens = "max_completion_tokens"
        case maxTokens = "max_tokens"
        case temperature, seed
        case responseFormat = "response_format"
    }

    /// The option that an error complains about, if it is one that can be left out.
    static func complaint(_ text: String, omitted: Set<Option>) -> Option? {
        Option.allCases.first { option in
            guard !omitted.contains(option), text.contains(option.rawValue) else { return false }
            // `max_tokens` is sent until it is refused, `max_completion_tokens` in its place.
            return option != .maxCompletionTokens || omitted.contains(.maxTokens)
        }
    }

    var body: JSONValue {
        var members: [JSONMember] = [
            JSONMember("model", .string(settings.model)), JSONMember("messages", .array(request.messages.map(\.json))),
        ]
        func add(_ option: Option, _ value: JSONValue) {
            if !omitted.contains(option) { members.append(JSONMember(option.rawValue, value)) }
        }
        if asksForSchema {
            add(.responseFormat, Self.actionFormat(request.tools))
        } else {
            members.append(JSONMember("tools", .array(request.tools.map(\.json))))
            add(.toolChoice, .string("auto"))
            add(.parallelToolCalls, .bool(false))
        }
        add(.temperature, .double(settings.temperature))
        if let seed = settings.seed { add(.seed, .int(Int64(seed))) }
        if omitted.contains(.maxTokens) {
            add(.maxCompletionTokens, .int(Int64(settings.maxTokens)))
        } else {
            add(.maxTokens, .int(Int64(settings.maxTokens)))
        }
        if disablesThinking {
            members.append(JSONMember("chat_template_kwargs", .object(["enable_thinking": .bool(false)])))
        }
        members.append(JSONMember("stream", .bool(settings.streams)))
        if settings.streams { add(.streamOptions, .object(["include_usage": .bool(true)])) }
        return .object(members)
    }

    /// A strict schema of `{name, arguments}` with one branch for each tool.
    private static func actionFormat(_ tools: [ModelTool]) -> JSONValue {
        let branches = tools.map { tool in
            JSONValue.object([
                "type": .string("object"),
                "properties": .object(["name": .object(["const": .string(tool.name)]), "arguments": tool.parameters]),
                "required": .strings(["name", "arguments"]), "additionalProperties": .bool(false),
            ])
        }
        return .object([
            "type": .string("json_schema"),
            "json_schema": .object([
                "name": .string("action"), "strict": .bool(true), "schema": .object(["anyOf": .array(branches)]),
            ]),
        ])
    }

    /// The answer to a request for a schema as a function call. nil when it is none.
    static func call(in content: String) -> ModelToolCall? {
        let bytes = Array(content.trimmed.utf8)
        guard let value = try? JSONDocument.read(bytes, bounds: ActionParser.bounds(bytes.count)).value,
            case .string(let name)? = value["name"], let arguments = value["arguments"], case .object = arguments
        else { return nil }
        return ModelToolCall(name: name, arguments: .value(arguments))
    }
}
