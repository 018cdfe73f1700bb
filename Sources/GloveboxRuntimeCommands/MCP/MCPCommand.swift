internal import ArgumentParser

struct MCPCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mcp", abstract: "Seal an MCP server, or serve sealed tools to an MCP client.",
        discussion: """
            In a client's configuration, before the server's own command:

            {"mcpServers": {"files": {"command": "glovebox",
              "args": ["mcp", "run", "--policy", "workspace", "--name", "files", "--", "python3", "server.py"]}}}

            `glovebox mcp scan` says which servers of your clients are sealed, and `glovebox mcp wrap` writes such lines for you.
            """,
        subcommands: [MCPRunCommand.self, MCPServeCommand.self, MCPScanCommand.self, MCPWrapCommand.self, MCPUnwrapCommand.self])
}
