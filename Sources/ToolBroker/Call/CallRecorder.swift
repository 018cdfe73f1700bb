internal import LibOSModel
internal import StrictJSON

/// Writes what a call leaves behind: events for processes and people, audit records for reviewers. Words and keys are the reference's.
struct CallRecorder {
    let process: ProcessID
    let call: ToolCallID
    let tool: ToolSpec?
    let name: String
    let correlation: String?

    /// Bytes of arguments that an event repeats.
    private static let longestArguments = 2048
    private static let previewLength = 512

    private var resource: String { tool.map { "tool:\($0.id)" } ?? "tool:unknown" }

    // MARK: - Audit

    func audit(
        _ action: String, _ decision: [JSONMember], outputs: [ObjectID] = [], capabilities: [CapabilityID] = [], parent: AuditID? = nil,
        in transaction: any StoreTransaction
    ) throws(LibOSError) -> AuditRecord {
        try transaction.append(
            AuditEntry(
                actor: process.text, action: action, target: resource, outputs: outputs, capabilities: capabilities,
                decision: .object([JSONMember("call_id", .string(call.text)), JSONMember("tool", .string(name))] + decision),
                parent: parent, correlation: correlation ?? call.text))
    }

    private func event(_ type: EventType, toTool: Bool, _ payload: [JSONMember], in transaction: any StoreTransaction) throws(LibOSError) {
        try transaction.append(
            RuntimeEvent(
                type: type, source: toTool ? process.text : resource, target: toTool ? resource : process.text,
                payload: .object([JSONMember("call_id", .string(call.text))] + payload), createdAt: transaction.now))
    }

    // MARK: - Before

    func called(_ arguments: JSONValue, in transaction: any StoreTransaction) throws(LibOSError) {
        let text = arguments.canonicalText
        var shown = arguments
        if text.utf8.count > Self.longestArguments {
            shown = .object([
                "preview": .string(printable(String(text.prefix(Self.previewLength)))), "sha256": .string(SHA256Text.of(text)),
                "size_bytes": .int(Int64(text.utf8.count)), "truncated": .bool(true),
            ])
        }
        try event(.toolCalled, toTool: true, [JSONMember("tool", .string(name)), JSONMember("args", shown)], in: transaction)
    }

    /// The intent of an effect: it is closed by `tool.call`, which names it.
    func intend(_ call: PreparedCall, in transaction: any StoreTransaction) throws(LibOSError) -> AuditID {
        var members = [
            JSONMember("protocol", .string(call.tool.action.word)), JSONMember("action_hash", .string(call.actionHash)),
            JSONMember("policy_hash", .optional(call.record.policyHash)), JSONMember("policy_decision", .string("allow")),
        ]
        // Which bytes were to run, where the tool has files of its own.
        if !call.programs.isEmpty { members.append(JSONMember("programs", .strings(call.programs))) }
        return try audit(
            "external_effect.intent", members, capabilities: call.record.capabilities, in: transaction
        ).id
    }

    func waiting(_ wait: WaitState, in transaction: any StoreTransaction) throws(LibOSError) {
        switch wait {
        case .human(let requests):
            let ids = requests.map(\.text).sorted()
            _ = try audit(
                "tool.call_waiting_human",
                [
                    JSONMember("policy_decision", .string(PolicyDecision.requireHumanApproval.rawValue)),
                    JSONMember("request_id", .optional(ids.first)), JSONMember("request_ids", .strings(ids)),
                ], in: transaction)
        case .child(let child):
            _ = try audit(
                "tool.call_waiting_process",
                [
                    JSONMember("policy_decision", .string(PolicyDecision.waitForChild.rawValue)), JSONMember("wait_for_child", .bool(true)),
                    JSONMember("child_pid", .string(child.text)),
                ], in: transaction)
        case .message(let filter):
            _ = try audit(
                "tool.call_waiting_message",
                [
                    JSONMember("policy_decision", .string(PolicyDecision.waitForMessage.rawValue)),
                    JSONMember("wait_for_process_message", .bool(true)), JSONMember("recipient_pid", .string(process.text)),
                    JSONMember("filters", filter.record),
                ], in: transaction)
        }
    }

    // MARK: - Refusals and failures

    /// A call that came to no decision about its arguments.
    func refuse(
        _ decision: PolicyDecision, reason: String, _ denial: Denial, in transaction: any StoreTransaction
    ) throws(LibOSError) -> ToolCallResult {
        let members = [
            JSONMember("error", .string(denial.reason)), JSONMember("policy_decision", .string(decision.rawValue)),
            JSONMember("policy_reason", .string(reason)), JSONMember("denial", denial.json),
        ]
        if decision == .resourceLimit {
            try transaction.append(
                RuntimeEvent(
                    type: .resourceLimitExceeded, source: "runtime", target: process.text,
                    payload: .object(["call_id": .string(call.text), "denial": denial.json]), priority: .critical,
                    createdAt: transaction.now))
        }
        try event(.toolFailed, toTool: false, members, in: transaction)
        _ = try audit("tool.call", [JSONMember("ok", .bool(false))] + members, in: transaction)
        let failure = ToolFailure(decision == .resourceLimit ? .rateLimited : .denied, denial.reason, denial: denial)
        return ToolCallResult(
            call: call, tool: tool?.id, isOK: false, payload: result(failure), error: denial.reason, decision: decision, denial: denial)
    }

    /// A tool that did not do what it was called for.
    func fail(
        _ failure: ToolFailure, _ decision: PolicyDecision, decision extra: [JSONMember] = [], capabilities: [CapabilityID] = [],
        parent: AuditID? = nil,
        in transaction: any StoreTransaction
    ) throws(LibOSError) -> ToolCallResult {
        let result = result(failure)
        var members = [
            JSONMember("error", .string(failure.message)), JSONMember("policy_decision", .string(decision.rawValue)),
            JSONMember("tool_result", result),
        ]
        if let denial = failure.denial { members.append(JSONMember("policy_reason", .string(denial.rule))) }
        try event(.toolFailed, toTool: false, members, in: transaction)
        _ = try audit(
            "tool.call", [JSONMember("ok", .bool(false))] + members + extra, capabilities: capabilities, parent: parent, in: transaction)
        return ToolCallResult(
            call: call, tool: tool?.id, isOK: false, payload: result, error: failure.message, decision: decision, denial: failure.denial)
    }

    private func result(_ failure: ToolFailure) -> JSONValue {
        .object([
            "ok": .bool(false), "content": .string(failure.message), "data": .null, "artifacts": .array([]), "error": failure.json,
            "metadata": .object(["call_id": .string(call.text)]),
        ])
    }

    // MARK: - Success

    func complete(
        _ output: ToolOutput, _ handle: ObjectHandle?, decision extra: [JSONMember], capabilities: [CapabilityID], parent: AuditID?,
        in transaction: any StoreTransaction
    ) throws(LibOSError) -> ToolCallResult {
        try event(
            .toolCompleted, toTool: false, [JSONMember("result_oid", .optional(handle?.object.text))], in: transaction)
        _ = try audit(
            "tool.call",
            [JSONMember("ok", .bool(true)), JSONMember("policy_decision", .string(PolicyDecision.allow.rawValue))] + extra,
            outputs: handle.map { [$0.object] } ?? [], capabilities: capabilities, parent: parent, in: transaction)
        return ToolCallResult(call: call, tool: tool?.id, isOK: true, payload: output.data, result: handle)
    }
}
