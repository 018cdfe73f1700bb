internal import LibOSModel
internal import StrictJSON

/// A record as a tool call leaves it: ids, a decision of some 200 bytes.
struct AuditSample {
    let entry: AuditEntry
    /// actor, action, target, inputs, outputs, capabilities, decision: as the table has them.
    let texts: [String]
    let correlation: String
    let parent: String

    init() {
        let decision: JSONValue = .object([
            "allowed": .bool(true), "arguments_sha256": .string(String(repeating: "0a", count: 32)),
            "capability": .string(CapabilityID.new().text),
            "policy": .string("workspace"), "rule": .string("allow filesystem:workspace:* read"), "tool": .string("read_text_file"),
        ])
        let (input, output, capability, parent) = (ObjectID.new(), ObjectID.new(), CapabilityID.new(), AuditID.new())
        entry = AuditEntry(
            actor: ProcessID.new().text, action: "tool.call", target: ToolID.new().text, inputs: [input], outputs: [output],
            capabilities: [capability], decision: decision, parent: parent, correlation: ToolCallID.new().text)
        texts = [
            entry.actor, entry.action, entry.target ?? "", "[\"\(input)\"]", "[\"\(output)\"]", "[\"\(capability)\"]",
            decision.canonicalText,
        ]
        correlation = entry.correlation ?? ""
        self.parent = parent.text
    }

    func newID() -> String { AuditID.new().text }
}
