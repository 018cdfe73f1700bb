package import StrictJSON

/// What a tool's input schema says of its arguments, one by one.
extension JSONSchema {
    struct Argument {
        var types: Set<SchemaType>?
        /// Required, or filled in by its default.
        var isAlwaysThere: Bool
    }

    var refusesOtherMembers: Bool { root.additional.first?.refusesAll ?? false }

    var argumentNames: [String] { root.properties.keys.sorted() }

    func argument(_ name: String) -> Argument? {
        guard let property = root.property(name) else { return nil }
        return Argument(types: property.types, isAlwaysThere: root.required.contains(name) || defaultValue(name) != nil)
    }

    private func defaultValue(_ name: String) -> JSONValue? { source.member("properties")?.member(name)?.member("default") }

    /// The arguments with the schema's defaults where a member is absent: what is decided, hashed, recorded and run.
    package func withDefaults(_ arguments: JSONValue) -> JSONValue {
        guard case .object(let members) = arguments else { return arguments }
        var result = members
        for name in argumentNames where arguments.member(name) == nil {
            if let value = defaultValue(name) { result.append(JSONMember(name, value)) }
        }
        return .object(result)
    }
}
