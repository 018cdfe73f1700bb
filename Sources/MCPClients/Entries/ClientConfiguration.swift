internal import StrictJSON

/// A client's configuration, as far as it speaks of MCP servers. The text stays as it is; edits are made in it.
package struct ClientConfiguration: Sendable, Equatable {
    package enum Layout: String, Sendable, CaseIterable {
        /// JSON with `mcpServers` at the top.
        case servers
        /// JSON with `mcpServers` at the top and under each of `projects`.
        case projects
        /// JSON with `servers` at the top.
        case editor
        /// TOML with `mcp_servers`.
        case codex

        var isTOML: Bool { self == .codex }
    }

    package let bytes: [UInt8]
    package let layout: Layout
    package let entries: [ServerEntry]

    package static func read(_ bytes: [UInt8], _ layout: Layout) throws(ConfigurationReadError) -> ClientConfiguration {
        guard let root = layout.isTOML ? try TOML.read(bytes) : try CommentedJSON.read(bytes) else {
            return ClientConfiguration(bytes: bytes, layout: layout, entries: [])
        }
        var found = EntryFinder(bytes: bytes, isTOML: layout.isTOML)
        guard root.table != nil else { throw found.error("the file must hold one object", root) }
        switch layout {
        case .servers: try found.add(root["mcpServers"], project: nil)
        case .editor: try found.add(root["servers"], project: nil)
        case .codex: try found.add(root["mcp_servers"], project: nil)
        case .projects:
            try found.add(root["mcpServers"], project: nil)
            if let projects = root["projects"] {
                guard let table = projects.value.table else { throw found.error("`projects` must be an object", projects.value) }
                for project in table { try found.add(project.value["mcpServers"], project: project.key) }
            }
        }
        return ClientConfiguration(bytes: bytes, layout: layout, entries: found.entries)
    }
}

private struct EntryFinder {
    let bytes: [UInt8]
    /// Codex alone has a key in an entry that keeps it from being started; others start what says `disabled`.
    let isTOML: Bool
    var entries: [ServerEntry] = []

    init(bytes: [UInt8], isTOML: Bool) {
        self.bytes = bytes
        self.isTOML = isTOML
    }

    func error(_ message: String, _ value: PlacedValue) -> ConfigurationReadError {
        ConfigurationReadError(message: message, position: TextCheck.position(of: value.span.lowerBound, in: bytes))
    }

    mutating func add(_ servers: PlacedMember?, project: String?) throws(ConfigurationReadError) {
        guard let servers else { return }
        guard let table = servers.value.table else { throw error("`\(servers.key)` must be a table of servers", servers.value) }
        for server in table {
            entries.append(
                ServerEntry(
                    name: server.key, project: project, transport: Self.transport(server.value),
                    isDisabled: isTOML && server.value["enabled"]?.value.flag == false, secrets: Self.secrets(server.value),
                    position: TextCheck.position(of: Self.place(of: server), in: bytes)))
        }
    }

    /// A table that is made of headers is where its first member is.
    private static func place(of member: PlacedMember) -> Int {
        if !member.keySpan.isEmpty { return member.keySpan.lowerBound }
        return member.value.table?.first.map { place(of: $0) } ?? 0
    }

    private static func secrets(_ entry: PlacedValue) -> [Range<Int>] {
        ["env", "headers", "http_headers"].flatMap { key in entry[key].map { leaves($0.value) } ?? [] }
    }

    private static func leaves(_ value: PlacedValue) -> [Range<Int>] {
        if let members = value.table { return members.flatMap { leaves($0.value) } }
        return value.span.isEmpty ? [] : [value.span]
    }

    private static func transport(_ entry: PlacedValue) -> ServerEntry.Transport {
        guard entry.table != nil else { return .unclear("it is no table") }
        if entry["headersHelper"] != nil { return .unclear("its `headersHelper` is a command that the client runs with all of its rights") }
        let url = entry["url"]?.value.text ?? entry["serverUrl"]?.value.text ?? entry["httpUrl"]?.value.text
        guard let member = entry["command"] else {
            if let url { return .remote(url) }
            return .unclear("it has neither `command` nor `url`")
        }
        guard let program = member.value.text, !program.isEmpty else { return .unclear("its `command` is no text") }
        if url != nil { return .unclear("it has a `command` and a `url`") }
        if let type = entry["type"]?.value.text, !["stdio", "local"].contains(type) {
            return .unclear("it has a `command`, and its type is `\(type.prefix(32))`")
        }
        return .stdio(ServerCommand(entry, program: program, member: member))
    }
}
