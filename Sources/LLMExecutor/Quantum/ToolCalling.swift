package import LibOSModel
package import ToolBroker

/// The tool broker as the executor uses it.
package protocol ToolCalling: Sendable {
    /// The tools of the process's table, sorted by name: what the model may choose among.
    func visibleTools(of process: AgentProcess) -> [ToolSpec]
    /// One call, to its end or into a wait.
    func call(_ request: ToolCallRequest) async throws(LibOSError) -> Completion<ToolCallResult>
}

extension ToolBroker: ToolCalling {
    package func call(_ request: ToolCallRequest) async throws(LibOSError) -> Completion<ToolCallResult> {
        try await call(request, progress: { _, _ in })
    }
}
