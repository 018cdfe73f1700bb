internal import LibOSModel
internal import SandboxLauncher
internal import StrictJSON
internal import ToolBroker

/// Puts together what is known of a call that has ended: its result, its row and its audit records.
struct CallReport {
    var result: ToolCallResult
    var record: ToolCallRecord?
    /// Of this call, in their order.
    var audits: [AuditRecord]
    var isCommand: Bool
    var isUnwatched: Bool

    var content: CallContent {
        var content = CallContent()
        content.isOK = result.isOK
        content.callID = result.call.text
        content.auditID = audits.last { $0.entry.action == "tool.call" }?.id.text
        content.denial = result.denial?.json ?? .null
        content.changes = changes
        if !result.isOK {
            var error = result.error ?? "the call failed"
            if let mend = result.denial?.suggestion, !error.hasSuffix(mend) { error += "; \(mend)" }
            content.error = error
        }
        if isCommand { addCommand(to: &content) } else if result.isOK { content.result = result.payload }
        if case .bool(true)? = result.payload["truncated"] { content.isTruncated = true }
        return content
    }

    private func addCommand(to content: inout CallContent) {
        let report = record?.report ?? .null
        if case .string("exited")? = report["outcome"]?["kind"], case .int(let code)? = report["outcome"]?["code"] {
            content.exitCode = code
        }
        if case .string(let signal)? = report["outcome"]?["name"] { content.signal = signal }
        // What it had written when it was ended is worth as much as what it wrote to its end.
        content.stdout = text("stdout", report)
        content.stderr = text("stderr", report)
        for stream in ["stdout", "stderr"] {
            if case .int(let cut)? = report[stream]?["cut_bytes"], cut > 0 { content.isTruncated = true }
        }
    }

    private func text(_ stream: String, _ report: JSONValue) -> String? {
        if case .string(let text)? = result.payload[stream] { return text }
        guard case .string(let head)? = report[stream]?["text"] else { return nil }
        guard case .string(let tail)? = report[stream]?["tail_text"] else { return TerminalText.cleaned(head) }
        return TerminalText.cleaned(head + "\n[…]\n" + tail)
    }

    /// Files that the supervisor itself changed for the call, each on record. A command changes them by itself.
    private var changes: [JSONValue]? {
        if isUnwatched, record != nil { return nil }
        let kinds = [
            "external.filesystem.write_text": "written", "external.filesystem.write_directory": "directory_made",
            "external.filesystem.delete_file": "deleted", "external.filesystem.delete_directory": "directory_deleted",
        ]
        return audits.compactMap { audit in
            guard let kind = kinds[audit.entry.action], case .bool(true)? = audit.entry.decision["ok"],
                let path = audit.entry.decision["path"]
            else { return nil }
            var members = [JSONMember("path", path), JSONMember("change", .string(kind))]
            for key in ["created", "written_bytes", "content_sha256", "deleted"] {
                if let value = audit.entry.decision[key] { members.append(JSONMember(key, value)) }
            }
            return .object(members)
        }
    }
}
