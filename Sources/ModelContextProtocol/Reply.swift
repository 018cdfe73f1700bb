package import StrictJSON

/// Messages that a relay writes itself, each a line with its newline.
package enum Reply {
    /// Codes of a relay's own errors: the range that JSON-RPC leaves to implementations and MCP has not taken.
    package enum Code: Int64, Sendable {
        case serverGone = -32000
        case timedOut = -32001
        case overloaded = -32002
        case answerTooLong = -32003
    }

    package static func error(_ id: RequestID?, code: Int64, _ message: String) -> [UInt8] {
        let error = JSONValue.object(["code": .int(code), "message": .string(message)])
        return framed(id, "error", error)
    }

    package static func error(_ id: RequestID?, _ code: Code, _ message: String) -> [UInt8] { error(id, code: code.rawValue, message) }

    /// The result of a call that was not made: words for the model, and the same for programs under `_meta`, where no version of the
    /// protocol and no output schema of the tool says anything else.
    package static func refusal(_ id: RequestID, _ call: ToolCall, text: String, facts: JSONValue) -> [UInt8] {
        var members = [
            JSONMember("content", .array([.object(["type": .string("text"), "text": .string(text)])])), JSONMember("isError", .bool(true)),
            JSONMember("_meta", .object([factsKey: facts])),
        ]
        if call.isStateless { members.append(JSONMember("resultType", .string("complete"))) }
        return framed(id, "result", .object(members))
    }

    package static let factsKey = "glovebox/decision"

    /// Tells a server that nobody waits for an answer any more.
    package static func cancelled(_ id: RequestID, reason: String) -> [UInt8] {
        let reason = JSONValue.string(reason).canonicalText
        return Array("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":".utf8) + id.bytes
            + Array(",\"reason\":\(reason)}}\n".utf8)
    }

    private static func framed(_ id: RequestID?, _ word: String, _ value: JSONValue) -> [UInt8] {
        Array("{\"jsonrpc\":\"2.0\",\"id\":".utf8) + (id?.bytes ?? Array("null".utf8)) + Array(",\"\(word)\":".utf8)
            + Array(value.canonicalText.utf8) + Array("}\n".utf8)
    }
}
