internal import ArgumentParser

/// What `glovebox help` and the completions know of the commands of `glovebox-runtime`. Their own words and pages are there.
protocol RuntimeCommand: ParsableCommand {
    static var page: (name: String, abstract: String) { get }
}

extension RuntimeCommand {
    static var configuration: CommandConfiguration { CommandConfiguration(commandName: page.name, abstract: page.abstract) }

    /// Reached only past the command as the first word: `glovebox --option agent …`.
    func run() throws { throw ValidationError("write `\(Self.page.name)` first: glovebox \(Self.page.name) …") }
}

enum RuntimeCommands {
    static let all: [any RuntimeCommand.Type] = [
        AgentHelp.self, HumanHelp.self, ToolHelp.self, CapabilityHelp.self, AuditHelp.self, WhyHelp.self, MemoryHelp.self,
        MCPHelp.self, HookHelp.self, BenchHelp.self,
    ]

    static func has(_ word: String) -> Bool { all.contains { $0.page.name == word } }
}

struct AgentHelp: RuntimeCommand {
    static let page = (name: "agent", abstract: "Start agents, run them, and see what they do.")
    @Argument(parsing: .captureForPassthrough) var words: [String] = []
}

struct HumanHelp: RuntimeCommand {
    static let page = (name: "human", abstract: "Answer what agents ask.")
    @Argument(parsing: .captureForPassthrough) var words: [String] = []
}

struct ToolHelp: RuntimeCommand {
    static let page = (name: "tool", abstract: "Show tools, and call one.")
    @Argument(parsing: .captureForPassthrough) var words: [String] = []
}

struct CapabilityHelp: RuntimeCommand {
    static let page = (name: "capability", abstract: "Show, explain, grant and revoke what agents may do.")
    @Argument(parsing: .captureForPassthrough) var words: [String] = []
}

struct AuditHelp: RuntimeCommand {
    static let page = (name: "audit", abstract: "Read, check and export the record of everything that was decided and done.")
    @Argument(parsing: .captureForPassthrough) var words: [String] = []
}

struct WhyHelp: RuntimeCommand {
    static let page = (name: "why", abstract: "Explain one call, refusal, request, process or capability from beginning to end.")
    @Argument(parsing: .captureForPassthrough) var words: [String] = []
}

struct MemoryHelp: RuntimeCommand {
    static let page = (name: "memory", abstract: "Show what agents keep in memory.")
    @Argument(parsing: .captureForPassthrough) var words: [String] = []
}

struct MCPHelp: RuntimeCommand {
    static let page = (name: "mcp", abstract: "Seal an MCP server, or serve sealed tools to an MCP client.")
    @Argument(parsing: .captureForPassthrough) var words: [String] = []
}

struct HookHelp: RuntimeCommand {
    static let page = (name: "hook", abstract: "Decide what another agent's own tools may do, by a policy of Glovebox.")
    @Argument(parsing: .captureForPassthrough) var words: [String] = []
}

struct BenchHelp: RuntimeCommand {
    static let page = (name: "bench", abstract: "Measure what sealing costs on this machine.")
    @Argument(parsing: .captureForPassthrough) var words: [String] = []
}
