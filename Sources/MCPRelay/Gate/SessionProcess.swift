package import AgentRuntime
package import CapabilityBroker
package import LibOSModel
package import SandboxPolicy
package import StrictJSON

/// The process that stands for one wrapped server: it holds what calls may do, and asks people. Nobody runs it.
package enum SessionProcess {
    /// Without tools and without words of its own.
    package static let image = AgentImage(id: "mcp-session:v0", name: "mcp-session")

    private static let longestCommand = 1024

    package static func begin(
        server: String, command: [String], policy: ResolvedPolicy, given: [CapabilityTerms], _ processes: ProcessTable,
        in transaction: any StoreTransaction
    ) throws(LibOSError) -> ProcessID {
        if try transaction.image(image.id) == nil { try transaction.put(image) }
        let words = printable(String(command.joined(separator: " ").prefix(longestCommand)))
        let process = try processes.spawn(
            SpawnRequest(
                image: image.id, goal: .text("MCP server \(server): \(words)"),
                capabilities: RuntimeToolGate.terms(policy, server: server, given: given)), in: transaction)
        try processes.signal(
            process.id, .pause, reason: "the session of MCP server \(server): it does nothing by itself", in: transaction)
        try transaction.append(
            AuditEntry(
                actor: process.id.text, action: "mcp.session_start", target: "mcp_server:\(server)",
                decision: .object([
                    "command": .string(words), "policy": .string(policy.name), "policy_hash": .string(policy.hash),
                ])))
        return process.id
    }

    /// Everything that was asked and not answered is withdrawn.
    package static func end(
        _ process: ProcessID, server: String, how: JSONValue, _ processes: ProcessTable, in transaction: any StoreTransaction
    ) throws(LibOSError) {
        try transaction.append(
            AuditEntry(actor: process.text, action: "mcp.session_end", target: "mcp_server:\(server)", decision: how))
        try processes.signal(process, .terminate, reason: "the session is over", in: transaction)
    }

    /// The sessions that have not ended, as the records have it.
    package static func alive(in store: any StoreReading) throws(LibOSError) -> [ProcessID] {
        try store.processes(status: .paused).filter { $0.image.utf8.elementsEqual(image.id.utf8) }.map(\.id)
    }

    /// Ends a session whose supervisor is gone. What it let through and has no outcome of may have happened or not.
    package static func abandon(_ process: ProcessID, _ processes: ProcessTable, in transaction: any StoreTransaction) throws(LibOSError) {
        let reason = "its supervisor ended without ending the session: it was killed, or the machine went down"
        let started = try transaction.audit(AuditQuery(actor: process.text, action: "mcp.session_start", limit: 1)).first
        var closed: Set<String> = []
        for record in try transaction.audit(AuditQuery(actor: process.text, action: "tool.call", limit: .max)) {
            if let call = record.entry.correlation { closed.insert(call) }
        }
        for intent in try transaction.audit(AuditQuery(actor: process.text, action: "external_effect.intent", limit: .max)) {
            guard let call = intent.entry.correlation, !closed.contains(call) else { continue }
            try transaction.append(
                AuditEntry(
                    actor: process.text, action: "tool.call", target: intent.entry.target,
                    decision: .object([
                        "call_id": .string(call), "tool": intent.entry.decision["tool"] ?? .null, "ok": .bool(false),
                        "outcome": .string("unknown"), "policy_decision": .string("allow"), "error": .string(reason),
                    ]), parent: intent.id, correlation: call))
        }
        try transaction.append(
            AuditEntry(
                actor: process.text, action: "mcp.session_end", target: started?.entry.target ?? "mcp_server:unknown",
                decision: .object(["outcome": .string("abandoned"), "reason": .string(reason)])))
        try processes.signal(process, .terminate, reason: reason, in: transaction)
    }
}
