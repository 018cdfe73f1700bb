package import StrictJSON

/// The parameters of `tools/call`.
package struct CallParameters: Sendable, Equatable {
    package var name: String
    /// An object.
    package var arguments: JSONValue
    /// A string or a number: under which progress is told, when it is asked for.
    package var progressToken: JSONValue?
    /// All of them, for whoever reads more of them.
    package var all: JSONValue

    static func read(_ params: JSONValue) throws(ProtocolError) -> CallParameters {
        guard case .string(let name)? = params["name"] else { throw ProtocolError(.invalidParameters, "the call names no tool") }
        let arguments = params["arguments"] ?? .object([])
        guard case .object = arguments else { throw ProtocolError(.invalidParameters, "the arguments are no object") }
        return CallParameters(name: name, arguments: arguments, progressToken: try progressToken(in: params), all: params)
    }

    static func progressToken(in params: JSONValue) throws(ProtocolError) -> JSONValue? {
        guard let meta = params["_meta"] else { return nil }
        guard case .object = meta else { throw ProtocolError(.invalidParameters, "`_meta` is no object") }
        switch meta["progressToken"] {
        case nil: return nil
        case .int(let number)?: return .int(number)
        case .string(let text)? where text.utf8.count <= 512: return .string(text)
        default: throw ProtocolError(.invalidParameters, "the progress token is neither a short string nor a whole number")
        }
    }
}
