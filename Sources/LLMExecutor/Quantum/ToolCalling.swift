package import LibOSModel
package import ToolBroker

/// The tool broker as the executor uses it.
package protocol ToolCalling: Sendable {
    /// The tools of the process's table, sorted by name: what the model may choose among.
    func visibleTools(of process: AgentProcess) -> [ToolSpec]
    /// One call, to its end or into a wait.
    func call(_ request: ToolCallRequest) async throws(LibOSError) -> Completion<ToolCallResult>
    /// The same; what the caller records of the result goes into the transaction that closes the call, when there is one that can take
    /// it: `isEndRecorded` of the result says so.
    func call(_ request: ToolCallRequest, ending: @escaping CallEnding) async throws(LibOSError) -> Completion<ToolCallResult>
}

extension ToolCalling {
    package func call(
        _ request: ToolCallRequest, ending: @escaping CallEnding
    ) async throws(LibOSError) -> Completion<ToolCallResult> { try await call(request) }
}

extension ToolBroker: ToolCalling {
    package func call(_ request: ToolCallRequest) async throws(LibOSError) -> Completion<ToolCallResult> {
        try await call(request, progress: { _, _ in }, ending: nil)
    }

    package func call(
        _ request: ToolCallRequest, ending: @escaping CallEnding
    ) async throws(LibOSError) -> Completion<ToolCallResult> {
        try await call(request, progress: { _, _ in }, ending: ending)
    }
}
