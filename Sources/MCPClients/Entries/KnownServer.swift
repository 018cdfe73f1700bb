/// Servers that many people use, told by the package that their command names, and the shipped policy that fits each.
package enum KnownServer: String, Sendable, CaseIterable {
    case filesystem, git, fetch, time

    package var policy: String { "mcp-\(rawValue)" }

    private var packages: [String] {
        switch self {
        case .filesystem: ["@modelcontextprotocol/server-filesystem", "mcp-server-filesystem"]
        case .git: ["mcp-server-git", "mcp_server_git"]
        case .fetch: ["mcp-server-fetch", "mcp_server_fetch"]
        case .time: ["mcp-server-time", "mcp_server_time"]
        }
    }

    /// The server, and the index in `[program] + arguments` of the word that names it.
    package static func of(_ command: ServerCommand) -> (server: KnownServer, index: Int)? {
        for (index, word) in ([command.program] + command.arguments).enumerated() {
            let name = plainName(word)
            if let known = allCases.first(where: { $0.packages.contains(name) }) { return (known, index) }
        }
        return nil
    }

    /// Directories that the command names for the server to work in.
    package static func directories(_ command: ServerCommand) -> [String] {
        guard let (server, index) = of(command) else { return [] }
        let rest = Array(([command.program] + command.arguments)[(index + 1)...])
        switch server {
        case .filesystem: return rest.filter { $0.hasPrefix("/") }
        case .git:
            for (at, word) in rest.enumerated() {
                if ["--repository", "-r"].contains(word), at + 1 < rest.count, rest[at + 1].hasPrefix("/") { return [rest[at + 1]] }
                if word.hasPrefix("--repository=/") { return [String(word.dropFirst("--repository=".count))] }
            }
            return []
        case .fetch, .time: return []
        }
    }

    /// Without directories before it and a version after it.
    private static func plainName(_ word: String) -> String {
        if word.hasPrefix("-") { return "" }
        var name = Substring(word)
        if name.hasPrefix("@") {
            if let at = name.dropFirst().firstIndex(of: "@") { name = name[..<at] }
            return String(name)
        }
        if let slash = name.lastIndex(of: "/") { name = name[name.index(after: slash)...] }
        if let mark = name.firstIndex(where: { "@=<>~![".contains($0) }) { name = name[..<mark] }
        return String(name)
    }
}
