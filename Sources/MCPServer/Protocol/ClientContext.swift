package import StrictJSON

/// How a request is to be understood, and what its client said that it can do.
package struct ClientContext: Sendable, Equatable {
    package var revision: ProtocolRevision
    /// An object.
    package var capabilities: JSONValue
    /// As it calls itself.
    package var name: String

    package init(revision: ProtocolRevision, capabilities: JSONValue, name: String = "unnamed") {
        self.revision = revision
        self.capabilities = capabilities
        self.name = name
    }

    package static let versionKey = "io.modelcontextprotocol/protocolVersion"
    static let capabilitiesKey = "io.modelcontextprotocol/clientCapabilities"
    static let clientKey = "io.modelcontextprotocol/clientInfo"
    static let serverKey = "io.modelcontextprotocol/serverInfo"

    /// What a request says of itself; nil when it says nothing, as requests before 2026-07-28 do.
    package static func stated(in params: JSONValue) throws(ProtocolError) -> ClientContext? {
        guard let meta = params["_meta"] else { return nil }
        guard case .object = meta else { throw ProtocolError(.invalidParameters, "`_meta` is no object") }
        guard let stated = meta[versionKey] else { return nil }
        guard case .string(let version) = stated else { throw ProtocolError(.invalidParameters, "`\(versionKey)` is no string") }
        guard let revision = ProtocolRevision.stateless.first(where: { $0.rawValue.utf8.elementsEqual(version.utf8) }) else {
            throw .unsupported(version)
        }
        guard case .object? = meta[capabilitiesKey] else {
            throw ProtocolError(.invalidParameters, "`\(capabilitiesKey)` is missing or no object; an empty one says that there are none")
        }
        if let client = meta[clientKey] { try checkImplementation(client, clientKey) }
        return ClientContext(revision: revision, capabilities: meta[capabilitiesKey] ?? .object([]), name: name(meta[clientKey]))
    }

    /// Of an implementation that was checked, if there is one.
    static func name(_ implementation: JSONValue?) -> String {
        if case .string(let name)? = implementation?["name"] { name } else { "unnamed" }
    }

    static func checkImplementation(_ value: JSONValue, _ key: String) throws(ProtocolError) {
        guard case .object = value, case .string? = value["name"], case .string? = value["version"] else {
            throw ProtocolError(.invalidParameters, "`\(key)` has no name and version")
        }
    }
}
