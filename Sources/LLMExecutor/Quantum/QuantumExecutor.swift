package import AgentRuntime
package import LibOSModel
internal import StrictJSON

/// One quantum of one process: it does what was waiting, or asks the model for one action and does that.
///
/// Everything that outlasts a quantum is in the store. An action that waits is kept there exactly as it was selected; it is
/// claimed before it is done again, and the model is not asked twice for it.
package struct QuantumExecutor: QuantumRunner {
    let runtime: AgentRuntime
    let tools: any ToolCalling
    let client: any ModelClient
    let settings: ExecutorSettings
    let context: ContextMemory

    package init(
        runtime: AgentRuntime, tools: any ToolCalling, client: any ModelClient, settings: ExecutorSettings = ExecutorSettings()
    ) {
        self.runtime = runtime
        self.tools = tools
        self.client = client
        self.settings = settings
        context = ContextMemory(memory: runtime.memory, eventLimit: settings.eventLimit)
    }

    package func runQuantum(_ id: ProcessID) async throws -> QuantumResult {
        let (turn, record): (Turn, ModelCallRecord)
        switch try await begin(id) {
        case .skipped(let status):
            return QuantumResult(
                process: id, isCharged: false,
                payload: .object(["ok": .bool(false), "skipped": .bool(true), "status": .string(status.rawValue)]))
        case .pending(let pending): return try await resume(pending)
        case .overBudget(let error): return QuantumResult(process: id, payload: Self.failure(error.description))
        case .ready(let prepared, let opened): (turn, record) = (prepared, opened)
        }
        do {
            switch try await select(turn, record) {
            case .action(let selection, let hasInterrupts):
                // Stopped while the model thought: nothing of the answer is begun.
                try Task.checkCancellation()
                return try await carryOut(selection, of: id, .none, hasInterrupts: hasInterrupts)
            case .overBudget(let error): return QuantumResult(process: id, payload: Self.failure(error.description))
            }
        } catch let error as ModelError where error.code == .cancelled {
            throw CancellationError()
        } catch is CancellationError {
            throw CancellationError()
        } catch let error as LibOSError where error.code == .store {
            // Nothing is wrong with the process: the run ends, and the next one goes on with it.
            throw error
        } catch {
            return try await giveUp(id, because: error)
        }
    }

    /// Ends a process whose quantum went wrong. Other processes go on.
    func giveUp(_ id: ProcessID, because error: any Error) async throws(LibOSError) -> QuantumResult {
        let text = (error as? any CustomStringConvertible)?.description ?? "\(error)"
        let processes = runtime.processes
        try await runtime.store.write { transaction throws(LibOSError) in
            try processes.fail(id, because: "the quantum failed: \(text)", in: transaction)
            try transaction.append(
                AuditEntry(
                    actor: id.text, action: "llm.action_failed", target: "process:\(id)", decision: .object(["error": .string(text)])))
        }
        return QuantumResult(process: id, payload: Self.failure(text))
    }

    static func failure(_ text: String) -> JSONValue { .object(["ok": .bool(false), "error": .string(text)]) }
}
