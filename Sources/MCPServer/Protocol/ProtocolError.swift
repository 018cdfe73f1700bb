internal import ModelContextProtocol
package import StrictJSON

/// An error of the protocol itself: the request was no request, or asked for what is not there. What a tool could not do is a result.
package struct ProtocolError: Error, Sendable, Equatable {
    package enum Code: Int64, Sendable {
        case parse = -32700
        case invalidRequest = -32600
        case unknownMethod = -32601
        case invalidParameters = -32602
        case headerMismatch = -32020
        case missingCapability = -32021
        case unsupportedVersion = -32022
    }

    package var code: Code
    package var message: String
    package var data: JSONValue?

    package init(_ code: Code, _ message: String, data: JSONValue? = nil) {
        self.code = code
        self.message = message
        self.data = data
    }

    static func unsupported(_ version: String) -> ProtocolError {
        ProtocolError(
            .unsupportedVersion, "this server does not speak that version of the protocol without a handshake",
            data: .object([
                "supported": .strings(ProtocolRevision.stateless.map(\.rawValue)),
                "requested": .string(printable(String(version.prefix(64)))),
            ]))
    }
}

/// Messages of the server's, as values.
enum ServerMessage {
    static func result(_ id: RequestID, _ result: JSONValue) -> JSONValue { answer(id, "result", result) }

    static func error(_ id: RequestID?, _ error: ProtocolError) -> JSONValue {
        var members = [JSONMember("code", .int(error.code.rawValue)), JSONMember("message", .string(error.message))]
        if let data = error.data { members.append(JSONMember("data", data)) }
        return answer(id, "error", .object(members))
    }

    static func notification(_ method: String, _ params: JSONValue) -> JSONValue {
        .object(["jsonrpc": .string("2.0"), "method": .string(method), "params": params])
    }

    /// One line of the stream, with its newline.
    static func line(_ message: JSONValue) -> [UInt8] { Array(message.canonicalText.utf8) + [0x0A] }

    private static func answer(_ id: RequestID?, _ key: String, _ value: JSONValue) -> JSONValue {
        .object(["jsonrpc": .string("2.0"), "id": id?.value ?? .null, key: value])
    }
}

extension RequestID {
    /// The id as it goes back: the same text or number. Numbers that are not whole are no ids here.
    var value: JSONValue {
        let spelling = String(decoding: bytes, as: UTF8.self)
        if let number = Int64(spelling) { return .int(number) }
        return (try? JSONDocument.value(of: bytes, bounds: DocumentBounds(bytes: 64 << 10, depth: 1, nodes: 4))) ?? .null
    }
}
