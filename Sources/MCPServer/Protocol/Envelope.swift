package import ModelContextProtocol
package import StrictJSON

/// One message of a client's, told apart strictly: what another reader could take for something else is refused.
package enum Envelope: Sendable, Equatable {
    /// Parameters are an object; empty when there are none.
    case request(RequestID, method: String, params: JSONValue)
    case notification(method: String, params: JSONValue)
    /// An answer to a request of the server's.
    case answer(RequestID, JSONValue)

    package struct Problem: Error, Sendable, Equatable {
        /// Of the request, when it could be told.
        package var id: RequestID?
        package var error: ProtocolError
    }

    /// What one message may cost before it is refused. The depth is within what every JSON reader takes.
    package static let bounds = DocumentBounds(bytes: 8 << 20, depth: 64, nodes: 200_000)
    /// Bytes of an id, and of a method's name.
    private static let longestName = 512

    package static func value(of line: [UInt8]) throws(ProtocolError) -> JSONValue {
        do throws(JSONReadError) {
            return try JSONDocument.value(of: line, bounds: bounds)
        } catch {
            throw ProtocolError(.parse, "the message cannot be read: \(error.message)")
        }
    }

    package static func read(_ value: JSONValue) throws(Problem) -> Envelope {
        guard case .object(let members) = value else { throw refusal(nil, "a message is an object") }
        func member(_ name: String) -> JSONValue? { members.first { $0.key.utf8.elementsEqual(name.utf8) }?.value }
        // Known before anything else is wrong, so that the error finds its request.
        var id: RequestID?
        if let given = member("id") {
            // An error without an id answers nothing that was asked.
            guard let known = requestID(given) else { throw refusal(nil, "the id is neither a string nor a whole number") }
            id = known
        }
        let hasMethod = member("method") != nil
        let outcomes = ["result", "error"].filter { member($0) != nil }
        // An answer is never answered, whatever is wrong with it, under an id that may be one of the client's own.
        let named = hasMethod ? id : nil
        guard member("jsonrpc") == .string("2.0") else { throw refusal(named, "the message is not of JSON-RPC 2.0") }
        let known = ["jsonrpc", "id", "method", "params", "result", "error"]
        if members.contains(where: { member in !known.contains { $0.utf8.elementsEqual(member.key.utf8) } }) {
            throw refusal(named, "the message has a member that messages have not")
        }
        guard hasMethod else {
            guard let id, outcomes.count == 1, member("params") == nil else {
                throw refusal(nil, "the message is neither a request nor an answer")
            }
            return .answer(id, value)
        }
        guard outcomes.isEmpty else { throw refusal(named, "the message is a request and an answer") }
        guard case .string(let method)? = member("method"), !method.isEmpty, method.utf8.count <= longestName else {
            throw refusal(named, "the method is no name")
        }
        let params: JSONValue
        switch member("params") {
        case nil: params = .object([])
        case .object(let given)?: params = .object(given)
        case .array?: throw Problem(id: named, error: ProtocolError(.invalidParameters, "parameters are given by name, as an object"))
        default: throw refusal(named, "the parameters are no object")
        }
        if let id { return .request(id, method: method, params: params) }
        return .notification(method: method, params: params)
    }

    package static func requestID(_ value: JSONValue) -> RequestID? {
        switch value {
        case .int(let number): RequestID(number)
        case .string(let text) where text.utf8.count <= longestName: RequestID(text)
        default: nil
        }
    }

    private static func refusal(_ id: RequestID?, _ message: String) -> Problem {
        Problem(id: id, error: ProtocolError(.invalidRequest, message))
    }
}
