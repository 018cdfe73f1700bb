import CapabilityLanguage
import LibOSModel
import StrictJSON

/// One record of each kind with every field set, and one with everything left out that may be.
enum Sample {
    static let early = Timestamp(microseconds: -62_135_596_800_000_000)
    static let late = Timestamp(microseconds: .max)
    static let noon = Timestamp(microseconds: 1_795_000_000_000_001)

    /// NUL, quotes, a line break, characters outside the basic plane and a combining mark.
    static let text = "a\u{0}b \"q\" \\ \n\r\u{1F} ß e\u{301} 日本 🧪 \u{202E}"

    /// Keys in the order of their bytes, as they read back; two of them are canonically equivalent and not the same.
    static let json = JSONValue.object([
        "": .null,
        "a": .array([.int(.min), .int(.max), .double(0.1), .double(-1e300), .bool(true), .string(text), .array([]), .object([])]),
        "b": .bool(false), "c": .object(["\u{0}": .string(""), "e\u{301}": .int(1), "\u{E9}": .int(2)]),
    ])

    static func resource(_ text: String) throws -> Resource { try Resource.parse(text) }

    // MARK: Every field

    static func process() -> AgentProcess {
        AgentProcess(
            parent: .new(), image: text, status: .waitingHuman, goal: .new(),
            view: MemoryView(
                owner: .new(),
                roots: [
                    ObjectHandle(object: .new(), rights: Set(ObjectRight.allCases), capability: .new(), expiresAt: late),
                    ObjectHandle(object: .new(), rights: [], capability: .new()),
                ], mode: .ephemeral, createdFrom: .new()),
            toolTable: ["read": .new(), text: .new(), "": .new()], workingDirectory: text,
            budget: ResourceBudget(Dictionary(uniqueKeysWithValues: BudgetItem.allCases.map { ($0, Int64.max) })),
            usage: ResourceUsage([.toolCalls: .min]), wait: .human([.new(), .new()]), pause: .signal(text),
            outcome: .signal(.terminate, reason: text), statusMessage: text, generation: .max, createdAt: early, updatedAt: late)
    }

    static func image() -> AgentImage {
        AgentImage(
            id: text, name: text, version: text, systemPrompt: text, defaultTools: [text, ""], contextPolicy: .errorDebug,
            safetyProfile: text, requiredCapabilities: [text])
    }

    static func capability() throws -> CapabilityRecord {
        CapabilityRecord(
            subject: .new(), resource: try resource("filesystem:workspace:src/ä b"), rights: Set(CapabilityRight.allCases), effect: .ask,
            constraints: CapabilityConstraints(
                actionHash: text, tools: [text, "b"], argumentPrefixes: [[], ["git", text]], unknown: ["z", text]),
            issuedBy: text, issuedAt: early, expiresAt: late, isDelegable: true, isRevocable: false, status: .disabled, parent: .new(),
            delegationDepth: .max, maxDelegationDepth: .min, usesRemaining: 0, reservations: [.new(), .new()])
    }

    static func object() -> AgentObject {
        AgentObject(
            namespace: text, name: text, type: .codePatch, payload: json,
            metadata: ObjectMetadata(
                title: text, summary: text, tags: [text, ""], mimeType: text, tokenEstimate: .max, sensitivity: text, retentionPolicy: text),
            provenance: Provenance(sourceRefs: [text], createdFromAction: text, parents: [.new(), .new()]), version: .max,
            isImmutable: false, createdBy: text, createdAt: early, updatedAt: late)
    }

    static func link() -> ObjectLink {
        ObjectLink(source: .new(), relation: .approvedBy, destination: .new(), metadata: json, createdBy: .new(), createdAt: late)
    }

    static func namespace() -> ObjectNamespace { ObjectNamespace(name: text, parent: "p" + text, createdBy: text, createdAt: early) }

    static func decision() -> HumanDecision {
        HumanDecision(
            responder: text, isApproved: true, answer: text, policy: .askEachTime, reason: text, expiresAt: late)
    }

    static func humanRequest(_ content: HumanRequest.Content) -> HumanRequest {
        HumanRequest(
            process: .new(), human: text, content: content, status: .used, decision: decision(), isBlocking: false, expiresAt: late,
            createdAt: early, updatedAt: noon)
    }

    static func contents() throws -> [HumanRequest.Content] {
        var file = try resource("filesystem:workspace:src/a")
        file.extent = .exact
        let rights: Set<CapabilityRight> = [.read, .write]
        let need = NeededRight(resource: file, rights: rights)
        return [
            .question(text: text, context: json), .output(message: text, channel: text),
            .permission(
                PermissionRequest(resource: try resource("network:tcp:example.org:443"), rights: [.connect]), question: text, reason: text),
            .approval(
                ApprovalRequest(
                    tool: text, arguments: json, actionHash: text, policyHash: text, needs: [need, need], rules: [text, ""], facts: json),
                question: text),
        ]
    }

    static func message() -> ProcessMessage {
        ProcessMessage(
            sender: text, recipient: .new(), kind: .interrupt, channel: text, correlation: text, replyTo: .new(), subject: text, body: text,
            payload: json, status: .superseded, createdAt: early, ackedAt: late)
    }

    static func event() -> RuntimeEvent {
        RuntimeEvent(type: .resourceLimitExceeded, source: text, target: text, payload: json, priority: .critical, createdAt: late)
    }

    static func tool() -> ToolSpec {
        ToolSpec(
            id: .new(), name: text, description: text, version: text, inputSchema: json, outputSchema: json, tags: [text], owner: .new())
    }

    static func toolCall() -> ToolCallRecord {
        ToolCallRecord(
            process: .new(), tool: .new(), toolName: text, arguments: json, actionHash: text, capabilities: [.new(), .new()],
            policyHash: text, state: .failed, report: json, result: .new(), error: text, createdAt: early, endedAt: late)
    }

    static func modelCall() -> ModelCallRecord {
        ModelCallRecord(
            process: .new(), image: text, purpose: text, status: .error, api: text, model: text, requestID: text, responseID: text,
            messages: json, tools: json, requestOptions: json, responseContent: text, toolCalls: json, reasoning: text, usage: json,
            rawResponse: json, error: text, createdAt: early, completedAt: late)
    }

    static func pendingAction(_ process: ProcessID = .new()) -> PendingAction {
        PendingAction(
            process: process, action: json,
            wait: .message(
                MessageFilter(kind: .interrupt, sender: text, channel: text, correlation: text, replyTo: .new(), ids: [.new(), .new()])),
            contentPreview: text, toolCallCount: .max, state: .resuming, generation: .min, createdAt: late)
    }

    static func audit() -> AuditEntry {
        AuditEntry(
            actor: text, action: text, target: text, inputs: [.new(), .new()], outputs: [.new()], capabilities: [.new()], decision: json,
            parent: .new(), correlation: text)
    }

    // MARK: Nothing that may be left out

    static func bareProcess() -> AgentProcess {
        AgentProcess(image: "", status: .created, toolTable: [:], budget: ResourceBudget(), usage: ResourceUsage(), createdAt: noon)
    }

    static func bareCapability() throws -> CapabilityRecord {
        CapabilityRecord(subject: .new(), resource: try resource("shell:*"), rights: [], issuedBy: "", issuedAt: noon)
    }

    static func bareModelCall() -> ModelCallRecord {
        ModelCallRecord(process: .new(), image: "", messages: .null, tools: .null, createdAt: noon)
    }

    static func bareToolCall() -> ToolCallRecord {
        ToolCallRecord(process: .new(), tool: .new(), toolName: "", arguments: .null, actionHash: "", createdAt: noon)
    }
}
