import MCPClients
import TestSupport

/// Made-up configurations, spelled as differently as the formats allow.
struct RandomConfiguration {
    struct Server {
        var name: String
        var command: [String]
        var hasArguments: Bool
    }

    var random: SeededGenerator
    let newline: String

    init(seed: UInt64) {
        random = SeededGenerator(state: seed)
        newline = Bool.random(using: &random) ? "\n" : "\r\n"
    }

    mutating func servers() -> [Server] {
        (0..<Int.random(in: 1...4, using: &random)).map { index in
            let count = Int.random(in: 0...3, using: &random)
            return Server(
                name: "s\(index)\(word())", command: [word() + "x"] + (0..<count).map { _ in word() }, hasArguments: count > 0 || chance())
        }
    }

    private mutating func chance() -> Bool { Bool.random(using: &random) }

    private mutating func word() -> String {
        let letters: [Character] = ["a", "-", "@", "/", "é", "\"", "\\", " ", "#", "{", ",", "]", "'", "😀", "=", "."]
        return String((0..<Int.random(in: 0...6, using: &random)).map { _ in letters.randomElement(using: &random) ?? "a" })
    }

    // MARK: - JSON

    mutating func json(_ servers: [Server], key: String) -> String {
        var text = chance() ? "\u{FEFF}" : ""
        text += blank() + "{" + blank()
        if chance() { text += "\"other\":" + blank() + "{\"command\": [1, 2.5e3, null]}," + blank() }
        text += "\"\(key)\"" + blank() + ":" + blank() + "{" + blank()
        text += servers.map { string($0.name) + ":" + blank() + entry($0) }.joined(separator: "," + blank()) + tail() + "}"
        return text + tail() + "}" + blank()
    }

    private mutating func entry(_ server: Server) -> String {
        var members = ["\"command\":" + blank() + string(server.command[0])]
        if server.hasArguments {
            let items = server.command.dropFirst().map { string($0) }.joined(separator: blank() + "," + blank())
            members.append("\"args\":" + blank() + "[" + (items.isEmpty ? blank() : blank() + items + tail()) + "]")
        }
        if chance() { members.append("\"env\": {\"TOKEN\": " + string(word()) + "}") }
        members.shuffle(using: &random)
        return "{" + blank() + members.joined(separator: "," + blank()) + tail() + "}"
    }

    private mutating func string(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": result += "\\\(scalar)"
            case "/" where chance(): result += "\\/"
            case "a" where chance(): result += "\\u0061"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    private mutating func blank() -> String {
        let blanks = ["", "", " ", newline + "  ", "\t", " /* ] */ ", " // \" }" + newline]
        return blanks.randomElement(using: &random) ?? ""
    }

    private mutating func tail() -> String { blank() + (chance() ? "," : "") + ([" ", newline, ""].randomElement(using: &random) ?? "") }

    // MARK: - TOML

    mutating func toml(_ servers: [Server]) -> String {
        var text = chance() ? "# \"first\"" + newline : ""
        let style = Int.random(in: 0...2, using: &random)
        if style == 2 {
            return text + "mcp_servers = {" + servers.map { quoted($0.name) + " = " + inline($0) }.joined(separator: ", ") + "}"
        }
        text += "model = 'x' # y" + newline
        var dotted = ""
        for server in servers {
            let key = quoted(server.name)
            if style == 1 {
                dotted += members(server).map { "mcp_servers . \(key)." + $0 + newline }.joined()
            } else if chance() {
                text += "[mcp_servers.\(key)]" + newline + members(server).map { "  " + $0 + (chance() ? " # c" : "") + newline }.joined()
                if chance() { text += "[mcp_servers.\(key).tools.x]" + newline + "approval = true" + newline }
            } else {
                text += "[mcp_servers.\(key)]" + newline + members(server).joined(separator: newline) + newline
            }
        }
        return dotted + text
    }

    private mutating func inline(_ server: Server) -> String { "{ " + members(server, isInline: true).joined(separator: ", ") + " }" }

    private mutating func members(_ server: Server, isInline: Bool = false) -> [String] {
        var members = ["command = " + quoted(server.command[0])]
        if server.hasArguments {
            let gap = isInline ? " " : ([" ", newline + "  ", " # ]" + newline].randomElement(using: &random) ?? " ")
            let items = server.command.dropFirst().map { quoted($0) }.joined(separator: "," + gap)
            members.append("args = [" + (items.isEmpty ? gap : gap + items + (chance() ? "," : "") + gap) + "]")
        }
        if chance() { members.append("env = { TOKEN = 'x' }") }
        members.shuffle(using: &random)
        return members
    }

    private mutating func quoted(_ text: String) -> String {
        if !text.contains("'"), chance() { return "'\(text)'" }
        return "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
