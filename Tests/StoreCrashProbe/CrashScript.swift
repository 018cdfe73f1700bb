internal import CapabilityLanguage
internal import LibOSModel
internal import SQLiteRuntimeStore
internal import StrictJSON

/// One transaction of the script. It is framed by two audit records, so that a half of it would show.
struct CrashStep {
    let durability: Durability
    let body: @Sendable (any StoreTransaction) throws(LibOSError) -> Void

    func run(on store: SQLiteRuntimeStore, named name: String) async throws {
        try await store.write(durability) { (tx) throws(LibOSError) in
            try tx.append(AuditEntry(actor: "script", action: "script.begin", correlation: name))
            try body(tx)
            try tx.append(RuntimeEvent(type: .externalWrite, source: "script", target: name, createdAt: tx.now))
            try tx.append(AuditEntry(actor: "script", action: "script.end", correlation: name))
        }
    }
}

/// The life of a parent and of its child: made, run, two tool calls, a model call, a question to a person, an end.
struct CrashScript {
    let steps: [CrashStep]

    init(cycle: Int) {
        let life = Life()
        steps = life.beginning + life.calls + life.question + life.end
    }
}

private struct Life: Sendable {
    let parent = ProcessID.new()
    let child = ProcessID.new()
    let goal = ObjectID.new()
    let tool = ToolID.new()
    let toolCalls = [ToolCallID.new(), ToolCallID.new(), ToolCallID.new()]
    let model = ModelCallID.new()
    let request = HumanRequestID.new()
    let capability = CapabilityID.new()

    var beginning: [CrashStep] {
        [
            CrashStep(durability: .process) { (tx) throws(LibOSError) in
                try tx.insert(AgentProcess(id: parent, image: "script", status: .runnable, createdAt: tx.now))
                try tx.insert(
                    ObjectNamespace(name: AgentProcess.namespace(of: parent), parent: nil, createdBy: "runtime", createdAt: tx.now))
                try tx.insert(
                    AgentObject(
                        id: goal, namespace: AgentProcess.namespace(of: parent), type: .goal, payload: .string("live"),
                        createdBy: parent.text,
                        createdAt: tx.now))
            },
            CrashStep(durability: .process) { (tx) throws(LibOSError) in
                try tx.insert(AgentProcess(id: child, parent: parent, image: "script", status: .runnable, createdAt: tx.now))
                try tx.insert(
                    CapabilityRecord(
                        id: capability, subject: child, resource: Resource(kind: .filesystem, parts: ["workspace"], extent: .tree),
                        rights: [.read], issuedBy: "script", issuedAt: tx.now))
                try change(parent, in: tx) {
                    $0.status = .waitingEvent
                    $0.wait = .child(child)
                }
            },
            CrashStep(durability: .process) { (tx) throws(LibOSError) in try change(child, in: tx) { $0.status = .running } },
        ]
    }

    var calls: [CrashStep] {
        toolCalls.enumerated().flatMap { number, call in
            [
                // One intent of an effect, one of a pure read, and one that turns out to be an effect.
                CrashStep(durability: number == 0 ? .power : .process) { (tx) throws(LibOSError) in
                    if number == 2 { tx.demand(.power) }
                    try tx.insert(
                        ToolCallRecord(
                            id: call, process: child, tool: tool, toolName: "write", arguments: .int(Int64(number)), actionHash: "0",
                            capabilities: [capability], createdAt: tx.now))
                    guard var process = try tx.process(child) else { throw .notFound("the script's child") }
                    process.usage[.toolCalls] += 1
                    try tx.update(process)
                },
                CrashStep(durability: .process) { (tx) throws(LibOSError) in
                    let result = AgentObject(
                        namespace: AgentProcess.namespace(of: child), type: .toolResult,
                        payload: .string(String(repeating: "r", count: 6000)), createdBy: child.text, createdAt: tx.now)
                    try tx.insert(result)
                    guard var record = try tx.toolCall(call) else { throw .notFound("the script's call") }
                    (record.state, record.result, record.endedAt) = (.completed, result.id, tx.now)
                    try tx.update(record)
                    try tx.append(
                        AuditEntry(
                            actor: child.text, action: "tool.call", target: tool.text, outputs: [result.id], decision: result.payload,
                            correlation: call.text))
                },
            ]
        }
    }

    var question: [CrashStep] {
        let action = PendingAction(
            process: child, action: .object(["action": .string("write")]), wait: .human([request]), contentPreview: "", toolCallCount: 1,
            generation: 1, createdAt: Timestamp(microseconds: 1))
        return [
            CrashStep(durability: .process) { (tx) throws(LibOSError) in
                try tx.insert(
                    ModelCallRecord(id: model, process: child, image: "script", messages: .array([]), tools: .array([]), createdAt: tx.now))
            },
            CrashStep(durability: .process) { (tx) throws(LibOSError) in
                guard var call = try tx.modelCall(model) else { throw .notFound("the script's model call") }
                (call.status, call.completedAt) = (.ok, tx.now)
                try tx.update(call)
            },
            CrashStep(durability: .process) { (tx) throws(LibOSError) in
                try tx.insert(
                    HumanRequest(id: request, process: child, content: .question(text: "may I?", context: .null), createdAt: tx.now))
                try tx.put(action)
                try change(child, in: tx) {
                    $0.status = .waitingHuman
                    $0.wait = .human([request])
                }
            },
            CrashStep(durability: .process) { (tx) throws(LibOSError) in
                var claimed = action
                claimed.state = .resuming
                try tx.put(claimed)
                try change(child, in: tx) {
                    $0.status = .running
                    $0.wait = nil
                }
            },
            CrashStep(durability: .process) { (tx) throws(LibOSError) in try tx.deletePendingAction(of: child) },
        ]
    }

    var end: [CrashStep] {
        [
            CrashStep(durability: .process) { (tx) throws(LibOSError) in
                try change(child, in: tx) {
                    $0.status = .exited
                    $0.outcome = .message("done")
                }
                try tx.append(AuditEntry(actor: child.text, action: "process.exit", target: child.text))
                try change(parent, in: tx) {
                    $0.status = .runnable
                    $0.wait = nil
                }
            },
            CrashStep(durability: .power) { (tx) throws(LibOSError) in
                try change(parent, in: tx) {
                    $0.status = .killed
                    $0.outcome = .signal(.terminate, reason: nil)
                }
                try tx.append(AuditEntry(actor: parent.text, action: "process.exit", target: parent.text))
            },
        ]
    }

    private func change(
        _ id: ProcessID, in tx: any StoreTransaction, _ body: (inout AgentProcess) -> Void
    ) throws(LibOSError) {
        guard var process = try tx.process(id) else { throw .notFound("the script's process \(id)") }
        body(&process)
        process.generation += 1
        process.updatedAt = tx.now
        try tx.update(process)
    }
}
