package import StrictJSON

/// What an MCP client has said of itself as far as it matters for asking its user: its name, and whether it shows forms.
package struct ClientForms: Sendable, Equatable {
    /// As it is shown and recorded; a client says it of itself, so that it proves nothing.
    package var name: String
    package var family: Family
    private var declares: Bool

    /// How the versions of the protocol write a form.
    package enum Family: Sendable, Equatable {
        /// Titles of choices in a list of their own, no mode.
        case of2025June
        /// Titled choices with a default.
        case of2025November
        /// As 2025-11-25, in a result that asks for input.
        case of2026
    }

    package init(name: String = "unnamed", family: Family = .of2025November, takesForms: Bool = false) {
        self.name = SafeWords.line(name, longest: 64)
        self.family = family
        declares = takesForms
    }

    package var takesForms: Bool { declares }

    /// Of what a server of ours knows of its client.
    package static func of(name: String, capabilities: JSONValue, version: String) -> ClientForms {
        let declares = declaresForms(capabilities)
        if version == "2026-07-28" { return ClientForms(name: name, family: .of2026, takesForms: declares) }
        return ClientForms(name: name, takesForms: declares).speaking(version)
    }

    /// Of the parameters of `initialize`; whether forms are shown is known when the server has chosen a version.
    package static func ofInitialize(_ parameters: JSONValue?) -> ClientForms {
        ClientForms(
            name: name(parameters?["clientInfo"]), takesForms: declaresForms(parameters?["capabilities"]))
    }

    /// - Parameter version: that the server has answered `initialize` with. Forms came with 2025-06-18; an unknown later one is none.
    package func speaking(_ version: String) -> ClientForms {
        var copy = self
        switch version {
        case "2025-06-18": copy.family = .of2025June
        case "2025-11-25": copy.family = .of2025November
        default: copy.declares = false
        }
        return copy
    }

    /// Of the `_meta` of a request that says its version itself, as requests do since 2026-07-28.
    package static func ofRequest(meta: JSONValue?) -> ClientForms {
        ClientForms(
            name: name(meta?["io.modelcontextprotocol/clientInfo"]), family: .of2026,
            takesForms: declaresForms(meta?["io.modelcontextprotocol/clientCapabilities"]))
    }

    private static func name(_ info: JSONValue?) -> String {
        if case .string(let name)? = info?["name"], !name.isEmpty { return name }
        return "unnamed"
    }

    /// `elicitation: {}` means forms; with modes named, `form` has to be among them.
    private static func declaresForms(_ capabilities: JSONValue?) -> Bool {
        guard case .object(let modes)? = capabilities?["elicitation"] else { return false }
        return modes.isEmpty || modes.contains { $0.key == "form" }
    }
}
