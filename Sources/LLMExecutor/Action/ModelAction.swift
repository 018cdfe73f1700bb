package import StrictJSON

/// What a model chose: one tool and its arguments.
package struct ModelAction: Sendable, Hashable {
    package var name: String
    /// An object without a key `action`.
    package var arguments: JSONValue

    package init(name: String, arguments: JSONValue) {
        self.name = name
        self.arguments = arguments
    }

    /// The flat form of records: the arguments and `action`.
    package var json: JSONValue {
        var members: [JSONMember] = []
        if case .object(let given) = arguments { members = given.filter { $0.key != "action" } }
        return .object(members + [JSONMember("action", .string(name))])
    }

    /// Reads the flat form back. nil when it is none.
    package init?(json: JSONValue) {
        guard case .object(let members) = json, case .string(let name)? = json["action"] else { return nil }
        self.name = name
        arguments = .object(members.filter { $0.key != "action" })
    }
}

/// Why a response is no action. The model gets it to read.
package struct ActionProblem: Error, Sendable, Hashable, CustomStringConvertible {
    package var message: String
    package init(_ message: String) { self.message = message }
    package var description: String { message }
}
