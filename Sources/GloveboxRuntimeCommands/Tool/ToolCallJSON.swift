internal import LibOSModel
internal import StrictJSON

extension ToolCallRecord {
    /// Keys of a tool call.
    var members: [JSONMember] {
        [
            JSONMember("call_id", .string(id.text)), JSONMember("pid", .string(process.text)), JSONMember("tool", .string(toolName)),
            JSONMember("tool_id", .string(tool.text)), JSONMember("arguments", arguments), JSONMember("action_hash", .string(actionHash)),
            JSONMember("capabilities", .strings(capabilities.map(\.text))), JSONMember("policy_hash", .optional(policyHash)),
            JSONMember("state", .string(state.rawValue)), JSONMember("report", report), JSONMember("result_oid", .optional(result?.text)),
            JSONMember("error", .optional(error)), JSONMember("created_at", .string(createdAt.description)),
            JSONMember("ended_at", .optional(endedAt?.description)),
        ]
    }
}
