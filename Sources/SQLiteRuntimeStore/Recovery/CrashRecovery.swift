internal import LibOSModel
internal import StrictJSON

/// What the end of the last run left open is closed, in one transaction; nothing is done again.
struct CrashRecovery {
    let transaction: SQLiteTransaction
    /// Of a process whose program lives: its calls are under way.
    let isLive: (ProcessID) -> Bool

    private static let reason = "the runtime ended before the outcome was known"
    private static let actor = "runtime"

    func run() throws(LibOSError) {
        let interrupted = try closeToolCalls()
        try closeModelCalls()
        try closeResumedActions()
        try pauseProcesses(interrupted)
    }

    /// An intent without an outcome: the effect may have happened or not. Returns whose calls those were.
    private func closeToolCalls() throws(LibOSError) -> Set<ProcessID> {
        var interrupted: Set<ProcessID> = []
        var live: [ProcessID: Bool] = [:]
        for var call in try transaction.toolCalls(of: nil, state: .intended, limit: .max).reversed() {
            let isUnderWay = live[call.process] ?? isLive(call.process)
            live[call.process] = isUnderWay
            if isUnderWay { continue }
            call.state = .unknown
            call.error = Self.reason
            call.endedAt = transaction.now
            try transaction.update(call)
            let facts: JSONValue = .object([
                "call_id": .string(call.id.text), "tool": .string(call.toolName), "ok": .bool(false),
                "state": .string(call.state.rawValue), "error": .string(Self.reason),
            ])
            try emit(.toolFailed, from: call.tool.text, to: call.process.text, facts)
            try record("tool.call", on: call.tool.text, facts, capabilities: call.capabilities, correlation: call.id.text)
            interrupted.insert(call.process)
        }
        return interrupted
    }

    private func closeModelCalls() throws(LibOSError) {
        for var call in try transaction.pendingModelCalls() {
            call.status = .unknown
            call.error = Self.reason
            call.completedAt = transaction.now
            try transaction.update(call)
            try record(
                "llm.action_failed", on: call.process.text,
                .object([
                    "llm_call_id": .string(call.id.text), "status": .string(call.status.rawValue), "error": .string(Self.reason),
                ]), correlation: call.id.text)
        }
    }

    /// An action that was claimed may have been done. Its process cannot know, so it ends.
    private func closeResumedActions() throws(LibOSError) {
        for action in try transaction.pendingActions() where action.state == .resuming {
            try transaction.deletePendingAction(of: action.process)
            try record(
                "llm.pending_action_resume_interrupted", on: action.process.text,
                .object(["action": action.action, "error": .string("the runtime ended while the action was resumed; it is not done again")])
            )
            guard let process = try transaction.process(action.process), !process.status.isTerminal else { continue }
            try fail(process)
        }
    }

    private func fail(_ stored: AgentProcess) throws(LibOSError) {
        var process = stored
        let reason = "the runtime ended while an action of the process was resumed: whether it was done is unknown"
        process.status = .failed
        process.wait = nil
        process.pause = nil
        process.outcome = .failure(reason)
        process.statusMessage = reason
        try move(&process)
        try emit(
            .processExited, from: process.id.text, to: process.parent?.text,
            .object(["pid": .string(process.id.text), "status": .string(process.status.rawValue), "result_oid": .null]))
        try record(
            "process.exit", on: process.id.text,
            .object(["status": .string(process.status.rawValue), "message": .string(reason)]))
        try wakeParent(of: process)
    }

    /// A parent that waits for a child that has ended would wait for ever.
    private func wakeParent(of child: AgentProcess) throws(LibOSError) {
        guard var parent = try transaction.waiter(forChild: child.id), parent.status == .waitingEvent else { return }
        parent.status = .runnable
        parent.wait = nil
        parent.statusMessage = nil
        try move(&parent)
        try transaction.append(
            AuditEntry(
                actor: "process", action: "process.wait_wake", target: parent.id.text,
                decision: .object(["child": .string(child.id.text), "child_status": .string(child.status.rawValue)])))
    }

    /// Those that ran, and those that waited inside of a call: the tool that waited is gone, so nobody would hear the answer, and going
    /// on would do the call again.
    private func pauseProcesses(_ interrupted: Set<ProcessID>) throws(LibOSError) {
        var held = try transaction.processes(status: .running)
        for id in interrupted.sorted() where !held.contains(where: { $0.id == id }) {
            if let process = try transaction.process(id), !process.status.isTerminal { held.append(process) }
        }
        for var process in held {
            process.wait = nil
            if process.status == .paused {
                // Its own reason stands: it was held before.
                try move(&process)
                continue
            }
            process.status = .paused
            process.pause = .interrupted
            process.statusMessage = "interrupted: the runtime ended while the process ran; nothing was repeated"
            try move(&process)
            let facts: JSONValue = .object([
                "signal": .string(ProcessSignal.pause.rawValue), "payload": .object(["reason": .string("interrupted")]),
            ])
            try emit(.processSignal, from: Self.actor, to: process.id.text, facts)
            try record("process.signal", on: process.id.text, facts)
        }
    }

    private func move(_ process: inout AgentProcess) throws(LibOSError) {
        // A generation at the end of its range stays there instead of stopping the recovery.
        process.generation += process.generation == .max ? 0 : 1
        process.updatedAt = transaction.now
        try transaction.update(process)
    }

    private func emit(_ type: EventType, from source: String, to target: String?, _ payload: JSONValue) throws(LibOSError) {
        try transaction.append(RuntimeEvent(type: type, source: source, target: target, payload: payload, createdAt: transaction.now))
    }

    private func record(
        _ action: String, on target: String, _ decision: JSONValue, capabilities: [CapabilityID] = [], correlation: String? = nil
    ) throws(LibOSError) {
        try transaction.append(
            AuditEntry(
                actor: Self.actor, action: action, target: target, capabilities: capabilities, decision: decision,
                correlation: correlation))
    }
}
