package import AgentRuntime
internal import CapabilityBroker
package import LibOSModel
package import SandboxPolicy
package import StrictJSON

/// The process of a store that one served session is: it holds what calls may do, and asks people. Nobody runs it.
package enum ServedSession {
    private static let image = AgentImage(id: "mcp-serve:v0", name: "mcp-serve")
    private static let target = "mcp_server:glovebox"

    package static func begin(
        tools: [ToolID: String], policy: ResolvedPolicy, rights: SessionRights, _ processes: ProcessTable,
        in transaction: any StoreTransaction
    ) throws(LibOSError) -> ProcessID {
        if try transaction.image(image.id) == nil { try transaction.put(image) }
        // Its client may call for as long as it lives.
        var process = try processes.spawn(
            SpawnRequest(image: image.id, goal: .text("tools for an MCP client"), capabilities: rights.terms, budget: ResourceBudget()),
            in: transaction)
        for (id, name) in tools { process.toolTable[name] = id }
        try transaction.update(process)
        try processes.signal(process.id, .pause, reason: "a session of glovebox mcp serve: it does nothing by itself", in: transaction)
        try transaction.append(
            AuditEntry(
                actor: process.id.text, action: "mcp.session_start", target: target,
                decision: .object([
                    "tools": .strings(tools.values.sorted(by: utf8Precedes)), "policy": .string(policy.name),
                    "policy_hash": .string(policy.hash),
                ])))
        return process.id
    }

    /// Everything that was asked and not answered is withdrawn.
    package static func end(
        _ process: ProcessID, how: JSONValue, _ processes: ProcessTable, in transaction: any StoreTransaction
    ) throws(LibOSError) {
        try transaction.append(AuditEntry(actor: process.text, action: "mcp.session_end", target: target, decision: how))
        if try transaction.existingProcess(process).status.isTerminal { return }
        try processes.signal(process, .terminate, reason: "the session is over", in: transaction)
    }
}
