import AgentRuntime
import CapabilityBroker
import CapabilityLanguage
import LibOSModel
import SQLiteRuntimeStore
import StrictJSON
import Testing

/// A runtime over a store in memory, with a clock that stands still.
struct RuntimeFixture {
    let clock = HeldClock()
    let runtime: AgentRuntime

    init(sleeper: @escaping AgentRuntime.Sleeper = { _ in }, directories: any DirectoryLookup = AnyDirectory()) async throws {
        runtime = AgentRuntime(
            store: try SQLiteRuntimeStore.inMemory(clock: clock), tools: NamedTools(), directories: directories, sleeper: sleeper)
        try await runtime.start()
    }

    func write<Value: Sendable>(
        _ body: @escaping @Sendable (any StoreTransaction) throws(LibOSError) -> Value
    ) async throws -> Value {
        try await runtime.store.write(body)
    }

    func read<Value: Sendable>(_ body: @escaping @Sendable (any StoreReading) throws(LibOSError) -> Value) async throws -> Value {
        try await runtime.store.read(body)
    }

    /// What a root needs to use every syscall.
    static func standardTerms() throws -> [CapabilityTerms] {
        [
            try terms("human:owner", [.write]), try terms("clock:*", [.read, .execute]),
            try terms("process:spawn", [.execute], isDelegable: true),
        ]
    }

    static func terms(
        _ resource: String, _ rights: Set<CapabilityRight>, effect: Effect = .allow, isDelegable: Bool = false, uses: Int64? = nil,
        expiresAt: Timestamp? = nil, isRevocable: Bool = true
    ) throws -> CapabilityTerms {
        CapabilityTerms(
            resource: try Resource.parse(resource), rights: rights, effect: effect, expiresAt: expiresAt, isDelegable: isDelegable,
            isRevocable: isRevocable, uses: uses)
    }

    func spawn(
        _ goal: String = "test", budget: ResourceBudget = .standard, extra: [CapabilityTerms] = [], image: String = "base-agent:v0",
        directory: String = "."
    ) async throws -> ProcessID {
        try await runtime.spawn(
            SpawnRequest(
                image: image, goal: .text(goal), capabilities: try Self.standardTerms() + extra, budget: budget,
                workingDirectory: directory)
        ).id
    }

    func origin(_ process: ProcessID) -> ActionOrigin { ActionOrigin(process: process, tool: "test") }

    func child(of parent: ProcessID, _ request: ChildRequest = ChildRequest(goal: .text("child"))) async throws -> ProcessID {
        let origin = origin(parent)
        return try await write { transaction throws(LibOSError) in
            try runtime.processes.spawnChild(request, by: origin, in: transaction).id
        }
    }

    func process(_ id: ProcessID) async throws -> AgentProcess {
        try await read { store throws(LibOSError) in try store.existingProcess(id) }
    }

    func create(
        _ payload: JSONValue, by process: ProcessID, type: ObjectType = .observation, name: String? = nil, namespace: String? = nil,
        isImmutable: Bool = true
    ) async throws -> (AgentObject, ObjectHandle) {
        let origin = origin(process)
        let draft = ObjectDraft(type: type, payload: payload, namespace: namespace, name: name, isImmutable: isImmutable)
        let created = try await write { transaction throws(LibOSError) in
            try runtime.memory.create(draft, by: origin, in: transaction)
        }
        return (created.object, created.handle)
    }

    func grant(_ terms: CapabilityTerms, to process: ProcessID) async throws -> CapabilityRecord {
        try await write { transaction throws(LibOSError) in
            try runtime.authority.broker.grant(terms, to: process, by: .runtime("test"), in: transaction)
        }
    }

    func exit(_ process: ProcessID, result: ObjectID? = nil) async throws {
        let origin = origin(process)
        try await write { transaction throws(LibOSError) in
            try runtime.processes.exit(origin, result: result, in: transaction)
        }
    }

    func call(_ name: String, _ arguments: KeyValuePairs<String, JSONValue> = [:], by process: ProcessID, resumed: HumanRequestID? = nil)
        async -> SyscallOutcome
    {
        await runtime.perform(
            Syscall(name: name, arguments: .object(arguments)), for: SyscallCaller(process: process, tool: "test", resumed: resumed))
    }

    func audits(_ action: String) async throws -> [AuditRecord] {
        try await read { store throws(LibOSError) in try store.audit(AuditQuery(action: action, limit: 10_000)) }
    }

    func events(_ type: EventType, for target: String) async throws -> [RuntimeEvent] {
        try await read { store throws(LibOSError) in try store.events(for: target, after: nil, limit: 10_000) }.filter { $0.type == type }
    }

    func pending() async throws -> [HumanRequest] { try await runtime.pendingRequests() }
}

/// Every name is a tool, but those that say that they are not.
struct NamedTools: ToolDirectory {
    func staticTool(named name: String) -> ToolID? { name.hasPrefix("missing") ? nil : ToolID("tool_static_" + name) }
}

extension JSONValue {
    /// The keys of an object; the store keeps no order.
    var keys: Set<String> {
        if case .object(let members) = self { Set(members.map(\.key)) } else { [] }
    }
}

extension SyscallOutcome {
    var value: JSONValue? { if case .value(let value) = self { value } else { nil } }
    var wait: WaitState? { if case .waiting(let wait) = self { wait } else { nil } }
    var error: LibOSError? { if case .failed(let error) = self { error } else { nil } }
}

/// The code of what a body throws; nil when it throws nothing.
func code<Value>(of body: () async throws -> Value) async -> LibOSError.Code? {
    do {
        _ = try await body()
        return nil
    } catch {
        return (error as? LibOSError)?.code
    }
}
