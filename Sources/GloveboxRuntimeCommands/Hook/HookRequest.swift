internal import StrictJSON

/// What Claude Code tells a PreToolUse hook.
struct HookRequest: Sendable {
    var tool: String
    var input: JSONValue
    var workingDirectory: String
    var session: String

    struct Problem: Error { var message: String }

    static let bounds = DocumentBounds(bytes: 32 << 20, depth: 64, nodes: 500_000)

    static func read(_ bytes: [UInt8]) throws(Problem) -> HookRequest {
        let value: JSONValue
        do throws(JSONReadError) {
            value = try JSONDocument.value(of: bytes, bounds: bounds)
        } catch {
            throw Problem(message: "what came on standard input is no JSON: \(error)")
        }
        if let event = value["hook_event_name"], event != .string("PreToolUse") {
            throw Problem(message: "this hook is for PreToolUse alone")
        }
        guard case .string(let tool)? = value["tool_name"], !tool.isEmpty, tool.utf8.count <= 256 else {
            throw Problem(message: "`tool_name` is missing")
        }
        guard let input = value["tool_input"], case .object = input else { throw Problem(message: "`tool_input` is no object") }
        guard case .string(let directory)? = value["cwd"], directory.hasPrefix("/") else {
            throw Problem(message: "`cwd` is no absolute path")
        }
        var session = ""
        if case .string(let text)? = value["session_id"] { session = String(text.prefix(128)) }
        return HookRequest(tool: tool, input: input, workingDirectory: directory, session: session)
    }
}
