import CapabilityLanguage
import LibOSModel
import SQLiteRuntimeStore
import StrictJSON
import Testing

/// What was written is what is read, field by field, also through another transaction.
struct RoundTripTests {
    let store: SQLiteRuntimeStore

    init() throws { store = try SQLiteRuntimeStore.inMemory() }

    private func check<Record: Equatable & Sendable>(
        _ record: Record, write: @escaping @Sendable (any StoreTransaction, Record) throws(LibOSError) -> Void,
        read: @escaping @Sendable (any StoreReading) throws(LibOSError) -> Record?, location: SourceLocation = #_sourceLocation
    ) async throws {
        let inside = try await store.write { (tx) throws(LibOSError) -> Record? in
            try write(tx, record)
            return try read(tx)
        }
        #expect(inside == record, sourceLocation: location)
        let after = try await store.read { (tx) throws(LibOSError) in try read(tx) }
        #expect(after == record, sourceLocation: location)
    }

    @Test("processes, in every state of their unions") func processes() async throws {
        var variants = [Sample.process(), Sample.bareProcess()]
        for wait in [WaitState.child(.new()), .message(MessageFilter()), .human([]), .message(MessageFilter(ids: []))] {
            var process = Sample.bareProcess()
            process.wait = wait
            variants.append(process)
        }
        for pause in [PauseReason.signal(nil), .signal(""), .interrupted] {
            var process = Sample.bareProcess()
            process.pause = pause
            variants.append(process)
        }
        let outcomes: [ProcessOutcome] = [
            .result(.new()), .message(Sample.text), .failure(""), .signal(.cancel, reason: nil), .budget(.subprocessCPUMilliseconds),
        ]
        for outcome in outcomes {
            var process = Sample.bareProcess()
            process.outcome = outcome
            variants.append(process)
        }
        for status in ProcessStatus.allCases {
            var process = Sample.bareProcess()
            process.status = status
            variants.append(process)
        }
        for process in variants {
            try await check(process) { (tx, process) throws(LibOSError) in
                try tx.insert(process)
            } read: { (tx) throws(LibOSError) in
                try tx.process(process.id)
            }
        }
        let all = try await store.read { (tx) throws(LibOSError) in try tx.processes(status: nil) }
        #expect(all == variants)
    }

    @Test("processes are replaced whole") func updated() async throws {
        let first = Sample.bareProcess()
        var full = Sample.process()
        full.id = first.id
        let changed = full
        try await check(changed) { (tx, changed) throws(LibOSError) in
            try tx.insert(first)
            try tx.update(changed)
        } read: { (tx) throws(LibOSError) in
            try tx.process(first.id)
        }
        try await check(first) { (tx, first) throws(LibOSError) in
            try tx.update(first)
        } read: { (tx) throws(LibOSError) in
            try tx.process(first.id)
        }
    }

    @Test("images") func images() async throws {
        for image in [Sample.image(), AgentImage(id: "", name: "")] {
            try await check(image) { (tx, image) throws(LibOSError) in
                try tx.put(AgentImage(id: image.id, name: "older"))
                try tx.put(image)
            } read: { (tx) throws(LibOSError) in
                try tx.image(image.id)
            }
        }
        #expect(try await store.read { (tx) throws(LibOSError) in try tx.images() }.count == 2)
    }

    @Test("capabilities, and resources of every kind and extent") func capabilities() async throws {
        var variants = [try Sample.capability(), try Sample.bareCapability()]
        let resources = [
            "filesystem:workspace:*", "filesystem:host:/", "filesystem:host:/usr", "shell:git", "shell:/usr/bin/git", "process:spawn",
            "process:*",
            "network:*", "network:tcp:*", "network:tcp:a.b:*", "network:tcp:[::1]:80", "network:listen:80", "network:loopback",
            "environment:LANG",
            "secret:*", "device:/dev/null", "device:/dev/input/*", "syscall:@io", "object:obj_1", "object:*",
            "object_namespace:project/a/*",
            "object_namespace:process:pid_1", "human:owner", "clock:*", "image:base-agent:v0", "skill:x:*", "checkpoint:*",
        ]
        for text in resources {
            for extent in [Resource.Extent.exact, .tree, .members] {
                var record = try Sample.bareCapability()
                record.resource = try Sample.resource(text)
                if record.resource.kind == .filesystem { record.resource.extent = extent }
                variants.append(record)
            }
        }
        for record in variants {
            try await check(record) { (tx, record) throws(LibOSError) in
                try tx.insert(record)
            } read: { (tx) throws(LibOSError) in
                try tx.capability(record.id)
            }
        }
    }

    @Test("objects, links and namespaces") func objects() async throws {
        let bare = AgentObject(namespace: "", type: .task, payload: .null, createdBy: "", createdAt: Sample.noon)
        for object in [Sample.object(), bare] {
            try await check(object) { (tx, object) throws(LibOSError) in
                try tx.insert(object)
            } read: { (tx) throws(LibOSError) in
                try tx.object(object.id)
            }
            try await check(object) { (_, _) throws(LibOSError) in
            } read: { (tx) throws(LibOSError) in
                try tx.object(named: object.name, in: object.namespace)
            }
        }
        let link = Sample.link()
        try await check(link) { (tx, link) throws(LibOSError) in
            try tx.insert(link)
        } read: { (tx) throws(LibOSError) in
            try tx.links(from: link.source).first
        }
        for namespace in [Sample.namespace(), ObjectNamespace(name: "", parent: nil, createdBy: "", createdAt: Sample.noon)] {
            try await check(namespace) { (tx, namespace) throws(LibOSError) in
                try tx.insert(namespace)
            } read: { (tx) throws(LibOSError) in
                try tx.namespace(namespace.name)
            }
        }
    }

    @Test("questions to people, of every kind") func humanRequests() async throws {
        for content in try Sample.contents() {
            let full = Sample.humanRequest(content)
            let bare = HumanRequest(process: .new(), human: "", content: content, createdAt: Sample.noon)
            for request in [full, bare] {
                try await check(request) { (tx, request) throws(LibOSError) in
                    try tx.insert(request)
                } read: { (tx) throws(LibOSError) in
                    try tx.humanRequest(request.id)
                }
            }
        }
        var refused = HumanRequest(process: .new(), content: .output(message: "", channel: ""), createdAt: Sample.noon)
        refused.decision = HumanDecision(responder: "", isApproved: false)
        let decided = refused
        try await check(decided) { (tx, decided) throws(LibOSError) in
            try tx.insert(decided)
        } read: { (tx) throws(LibOSError) in
            try tx.humanRequest(decided.id)
        }
    }

    @Test("messages and events") func messages() async throws {
        for message in [Sample.message(), ProcessMessage(sender: "", recipient: .new(), body: "", createdAt: Sample.noon)] {
            try await check(message) { (tx, message) throws(LibOSError) in
                try tx.insert(message)
            } read: { (tx) throws(LibOSError) in
                try tx.message(message.id)
            }
        }
        for event in [Sample.event(), RuntimeEvent(type: .toolCalled, source: "", target: nil, createdAt: Sample.noon)] {
            try await check(event) { (tx, event) throws(LibOSError) in
                try tx.append(event)
            } read: { (tx) throws(LibOSError) in
                try tx.recentEvents(for: event.target ?? "anybody", limit: 1).first
            }
        }
    }

    @Test("tools and their calls") func tools() async throws {
        for tool in [Sample.tool(), ToolSpec(id: .new(), name: "", description: "", inputSchema: .null)] {
            try await check(tool) { (tx, tool) throws(LibOSError) in
                try tx.put(tool)
                try tx.put(tool)
            } read: { (tx) throws(LibOSError) in
                try tx.tool(tool.id)
            }
        }
        for call in [Sample.toolCall(), Sample.bareToolCall()] {
            try await check(call) { (tx, call) throws(LibOSError) in
                try tx.insert(call)
            } read: { (tx) throws(LibOSError) in
                try tx.toolCall(call.id)
            }
        }
    }

    @Test("model calls and pending actions") func modelCalls() async throws {
        for call in [Sample.modelCall(), Sample.bareModelCall()] {
            try await check(call) { (tx, call) throws(LibOSError) in
                try tx.insert(call)
            } read: { (tx) throws(LibOSError) in
                try tx.modelCall(call.id)
            }
        }
        let action = Sample.pendingAction()
        let other = PendingAction(
            process: action.process, action: .null, wait: .child(.new()), contentPreview: "", toolCallCount: 0, generation: 0,
            createdAt: Sample.noon)
        for action in [action, other] {
            try await check(action) { (tx, action) throws(LibOSError) in
                try tx.put(action)
            } read: { (tx) throws(LibOSError) in
                try tx.pendingAction(of: action.process)
            }
        }
        #expect(try await store.read { (tx) throws(LibOSError) in try tx.pendingActions() } == [other])
    }

    @Test("audit records") func audit() async throws {
        for entry in [Sample.audit(), AuditEntry(actor: "", action: "")] {
            let record = try await store.write { (tx) throws(LibOSError) in try tx.append(entry) }
            #expect(record.entry == entry)
            try await check(record) { (_, _) throws(LibOSError) in
            } read: { (tx) throws(LibOSError) in
                try tx.audit(record.id)
            }
            #expect(try await store.read { (tx) throws(LibOSError) in try tx.lastAudit() } == record)
        }
    }
}
