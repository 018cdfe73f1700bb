internal import LibOSModel

/// Ids of tools that everybody has: the same in every store.
enum ToolIdentity {
    /// `tool_static_` and the first 16 hexadecimal digits of SHA-256 of the name.
    static func of(_ name: String) -> ToolID {
        let text = "tool_static_" + SHA256Text.of(name).prefix(16)
        guard let id = ToolID(text) else { preconditionFailure("\(text) is an id") }
        return id
    }
}
