internal import MCPApproval
internal import ModelContextProtocol
internal import StrictJSON

/// A `tools/call` as a whole, where something of it is given back to the tool or kept from it.
struct CallInput {
    private var outer: [JSONMember]
    private var parameters: [JSONMember]

    /// - Parameter line: of a call that was read before.
    init?(_ line: [UInt8], bounds: DocumentBounds) {
        guard let value = try? JSONDocument.value(of: line, bounds: bounds), case .object(let outer) = value,
            case .object(let parameters)? = value["params"]
        else { return nil }
        self.outer = outer
        self.parameters = parameters
    }

    private func member(_ name: String) -> JSONValue? { parameters.first { $0.key.utf8.elementsEqual(name.utf8) }?.value }

    /// What the client says of itself in this request.
    var client: ClientForms { ClientForms.ofRequest(meta: member("_meta")) }

    /// The answer to our question, if there is one.
    var approval: JSONValue? { member("inputResponses")?[ApprovalForm.key] }

    /// The same call with another state, for the tool: nil for none.
    /// - Parameter keepsResponses: whether the client's responses are the tool's.
    func line(state: String?, keepsResponses: Bool) -> [UInt8] {
        var parameters = parameters.filter { member in
            !member.key.utf8.elementsEqual("requestState".utf8) && (keepsResponses || !member.key.utf8.elementsEqual("inputResponses".utf8))
        }
        if let state { parameters.append(JSONMember("requestState", .string(state))) }
        let outer = outer.map { $0.key == "params" ? JSONMember("params", .object(parameters)) : $0 }
        return Array(JSONValue.object(outer).canonicalText.utf8)
    }

    /// The answer of a tool that asks for input, with another state in it; nil when it does not ask.
    static func asking(_ line: [UInt8], bounds: DocumentBounds, state: (String?) -> String?) -> Answer? {
        guard let value = try? JSONDocument.value(of: line, bounds: bounds), case .object(let outer) = value,
            case .object(var result)? = value["result"], case .string("input_required")? = value["result"]?["resultType"]
        else { return nil }
        var upstream: String?
        if case .string(let text)? = value["result"]?["requestState"] { upstream = text }
        guard let sealed = state(upstream) else { return .stateTooLong }
        result.removeAll { $0.key == "requestState" }
        result.append(JSONMember("requestState", .string(sealed)))
        return .line(
            Array(JSONValue.object(outer.map { $0.key == "result" ? JSONMember("result", .object(result)) : $0 }).canonicalText.utf8))
    }

    enum Answer {
        case line([UInt8])
        case stateTooLong
    }
}
