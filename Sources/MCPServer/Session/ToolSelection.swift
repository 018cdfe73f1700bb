internal import LibOSModel
package import SandboxPolicy
internal import StrictJSON
package import ToolBroker

/// Which tools of this host a session offers, and how it describes them.
package struct ToolSelection: Sendable {
    package struct Entry: Sendable {
        package var manifest: ToolManifest
        package var offered: OfferedTool
        /// A call may have changed files that nobody watched.
        package var mayChangeUnwatched: Bool
    }

    /// By name.
    package let entries: [Entry]

    package enum Problem: Error, Sendable, Equatable {
        case unknown(String, known: [String])
        /// It is about agents, of which a session has none.
        case notOffered(String)
        /// The session's policy allows no call of it.
        case notAllowed(String)
    }

    /// - Parameters:
    ///   - names: what was asked for; nil offers what every client has a use for.
    ///   - policy: of a tool, by its name, as it holds in the session.
    package init(
        from registry: ToolRegistry, names: [String]?, session: SessionRights,
        policy: (String) throws(PolicyError) -> ResolvedPolicy
    ) throws {
        let all = registry.all
        var chosen: [ToolManifest] = []
        if let names {
            for name in Set(names) {
                guard let tool = registry.tool(named: name) else { throw Problem.unknown(name, known: all.map(\.name)) }
                guard Self.standing(tool) != .never else { throw Problem.notOffered(name) }
                chosen.append(tool)
            }
            chosen.sort { utf8Precedes($0.name, $1.name) }
        } else {
            chosen = all.filter { Self.standing($0) == .always }
        }
        let reach = session.reach
        var entries: [Entry] = []
        for tool in chosen {
            let own = try tool.policy.map { name throws(PolicyError) in try policy(name) }
            let touch = ToolReach(tool, session: reach, policy: own)
            guard touch.isUsable else {
                if names != nil { throw Problem.notAllowed(tool.name) }
                continue
            }
            entries.append(
                Entry(
                    manifest: tool,
                    offered: OfferedTool(
                        name: tool.name, title: Self.title(tool.name), description: tool.spec.description,
                        inputSchema: tool.spec.inputSchema, outputSchema: CallContent.schema(result: Self.ownResult(tool)),
                        annotations: touch.annotations), mayChangeUnwatched: touch.mayChangeUnwatched))
        }
        self.entries = entries
    }

    private enum Standing { case always, byName, never }

    /// What is done in a sandbox of its own, with files, and with the clock, everybody has a use for. The session's own memory and its
    /// directory are there for whoever names them: what one call leaves behind, another one finds. Agents, their mail and their people
    /// are no client's matter: it has people of its own, and nothing here would run an agent.
    private static func standing(_ tool: ToolManifest) -> Standing {
        switch tool.action {
        case .command, .channel:
            return tool.syscalls.contains { $0.hasPrefix("process.") || $0.hasPrefix("human.") } ? .never : .always
        case .syscall(let name):
            let touchesFiles = name.hasPrefix("filesystem.") || LibOSCall.bridges.contains(name)
            if touchesFiles, tool.policy == nil { return .never }
            if name.hasPrefix("filesystem.") || name.hasPrefix("clock.") { return .always }
            if name.hasPrefix("memory.") || name == "process.cwd" || name == "process.chdir" { return .byName }
            return .never
        }
    }

    /// A command's result is the common part: nothing of it stands there twice.
    static func ownResult(_ tool: ToolManifest) -> JSONValue? {
        if case .command = tool.action { return .object(["type": .string("null")]) }
        return tool.spec.outputSchema
    }

    /// `read_text_file` for people.
    private static func title(_ name: String) -> String {
        let words = name.split(whereSeparator: { "_-.".contains($0) }).joined(separator: " ")
        return words.prefix(1).uppercased() + words.dropFirst()
    }
}
