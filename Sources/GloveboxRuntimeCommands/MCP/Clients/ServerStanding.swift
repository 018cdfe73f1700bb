internal import Glibc
internal import LinuxPrimitives
internal import MCPClients
internal import SandboxLauncher
internal import StrictJSON

/// How a server in a client's configuration stands: sealed or not, and why.
struct ServerStanding {
    enum State: String {
        case sealed
        /// `glovebox mcp serve`: our own tools.
        case own
        case unsealed
        case remote
        case unclear
    }

    var place: KnownClient.Place
    var entry: ServerEntry
    var state: State
    var policy: String?
    /// What is open beside the policy, as it is typed.
    var allowed: [String] = []
    var note: String?

    init(_ entry: ServerEntry, at place: KnownClient.Place, ownPrograms: Set<String>) {
        self.entry = entry
        self.place = place
        switch entry.transport {
        case .remote: state = .remote
        case .unclear(let reason):
            state = .unclear
            note = reason
        case .stdio(let command):
            let isSealed = SealedCommand.of(command, ownPrograms: ownPrograms) != nil
            guard isSealed || SealedCommand.isOurServer(command, ownPrograms: ownPrograms) else {
                state = .unsealed
                if command.program.hasSuffix("/glovebox") { note = "\(command.program) is not this Glovebox" }
                note = note ?? command.obstacle
                return
            }
            let words = SealedWords(command)
            state = isSealed ? .sealed : .own
            policy = words.policy
            allowed = words.allowed
            if let variable = SealedCommand.treacherousVariable(command.environment) {
                state = .unsealed
                note = "its `env` sets \(variable), which acts on Glovebox itself"
                return
            }
            let doubt =
                command.obstacle
                ?? SealedCommand.misleadingVariable(command.environment).map {
                    "its `env` sets \($0), which moves where Glovebox looks for policies or what it starts"
                }
                ?? ((isSealed ? words.isRelay : words.isServe) ? nil : SealedWords.unreadable)
                ?? words.excess ?? words.doubt(inProjects: [place.workspace, entry.project, command.workingDirectory])
            if let doubt {
                state = .unclear
                note = doubt
            }
        }
    }

    var isExposed: Bool { state == .unsealed && !entry.isDisabled }

    /// Paths by which the running program is known: of itself and, for the runtime's program, of `glovebox`.
    static func ownPrograms() -> Set<String> {
        guard let program = try? HostPath.readLink("/proc/self/exe"), let slash = program.utf8.lastIndex(of: UInt8(ascii: "/")) else {
            return []
        }
        let directory = String(program[..<slash])
        let installation =
            directory.hasSuffix("/libexec/glovebox") ? String(directory.dropLast("/libexec/glovebox".count)) + "/bin" : directory
        return [directory + "/glovebox", directory + "/glovebox-runtime", installation + "/glovebox"]
    }

    var json: JSONValue {
        .object([
            "client": .string(place.client.rawValue), "file": .string(place.path), "line": .int(Int64(entry.position.line)),
            "project": .optional(entry.project), "name": .string(entry.name), "state": .string(state.rawValue),
            "policy": .optional(policy), "allowed": .strings(allowed),
            "known_server": .optional(entry.command.flatMap { KnownServer.of($0)?.server.rawValue }),
            "disabled": .bool(entry.isDisabled), "note": .optional(note),
        ])
    }
}
