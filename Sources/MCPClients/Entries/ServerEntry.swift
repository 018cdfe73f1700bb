package import StrictJSON

/// One server in a client's configuration.
package struct ServerEntry: Sendable, Equatable {
    package enum Transport: Sendable, Equatable {
        /// The client starts a program and talks with it over its standard input and output.
        case stdio(ServerCommand)
        case remote(String)
        /// Why it is neither.
        case unclear(String)
    }

    package var name: String
    /// The project that it belongs to, where one file holds those of several.
    package var project: String?
    package var transport: Transport
    /// Of those keys alone that the client obeys.
    package var isDisabled: Bool
    /// Where values are written that may be secrets: of variables and of headers.
    package var secrets: [Range<Int>]
    package var position: SourcePosition

    package var command: ServerCommand? { if case .stdio(let command) = transport { command } else { nil } }
}

/// What starts a server, and where that is written.
package struct ServerCommand: Sendable, Equatable {
    package var program: String
    package var arguments: [String]
    /// Names of the variables that the client gives it.
    package var environment: [String]
    package var workingDirectory: String?
    /// Why it must not be rewritten; nil when it may.
    package var obstacle: String?

    var programMember: PlacedMember
    var argumentsMember: PlacedMember?

    init(_ entry: PlacedValue, program: String, member: PlacedMember) {
        self.program = program
        programMember = member
        arguments = []
        environment = []
        workingDirectory = entry["cwd"]?.value.text
        if entry["cwd"] != nil, workingDirectory == nil { obstacle = "its `cwd` is no text" }
        readArguments(entry)
        readEnvironment(entry)
        if entry["envFile"] != nil {
            obstacle =
                obstacle ?? "its `envFile` names variables that are not known here; list them under `env`, or write `--env NAME` yourself"
        }
    }

    private mutating func readArguments(_ entry: PlacedValue) {
        guard let member = entry["args"] else { return }
        argumentsMember = member
        guard let items = member.value.list else { return obstacle = "its `args` are no list" }
        arguments = items.compactMap(\.text)
        if arguments.count != items.count { obstacle = "its `args` hold something that is no text" }
    }

    private mutating func readEnvironment(_ entry: PlacedValue) {
        if let member = entry["env"] {
            if let variables = member.value.table {
                environment = variables.map(\.key)
            } else if member.value.content != .other {
                obstacle = obstacle ?? "its `env` is no table"
            }
        }
        // Codex: variables of its own that it passes on.
        for item in entry["env_vars"]?.value.list ?? [] {
            guard let name = item.text ?? item["name"]?.value.text else {
                obstacle = obstacle ?? "its `env_vars` hold something that is no name"
                continue
            }
            if !environment.contains(where: { $0.utf8.elementsEqual(name.utf8) }) { environment.append(name) }
        }
        for name in environment where !Self.isVariableName(name) {
            obstacle = obstacle ?? "`\(name.prefix(64))` is no name of a variable"
        }
    }

    package static func isVariableName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return name.utf8.count <= 256
            && name.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == UInt8(ascii: "_")
            }
    }
}
