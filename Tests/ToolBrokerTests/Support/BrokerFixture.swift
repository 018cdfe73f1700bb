internal import CapabilityBroker
internal import CapabilityLanguage
internal import Glibc
internal import LibOSModel
internal import LinuxPrimitives
internal import SQLiteRuntimeStore
internal import SandboxLauncher
internal import SandboxPolicy
internal import SandboxTestSupport
internal import StrictJSON
internal import TestSupport
internal import Testing

@testable internal import ToolBroker

/// A broker over a real store and real sandboxes, with a runtime of the test's own and one process that has every tool.
final class BrokerFixture: Sendable {
    let sandbox: SandboxFixture
    let store: SQLiteRuntimeStore
    let kernel: FakeKernel
    let capabilities = CapabilityBroker()
    let broker: ToolBroker
    let process: ProcessID

    @discardableResult
    static func with<Value>(
        _ label: String = #function, tools: [String] = [], limits: ChannelLimits = .standard, workerIsProbe: Bool = false,
        pool: SandboxPoolSettings? = LaunchMode.current.pool, isolation: isolated (any Actor)? = #isolation,
        _ body: (BrokerFixture) async throws -> Value
    ) async throws -> Value {
        try await SandboxFixture.with(label, pool: pool) { sandbox in
            let fixture = try await BrokerFixture(sandbox, tools: tools, limits: limits, workerIsProbe: workerIsProbe)
            let value: Value
            do {
                value = try await body(fixture)
            } catch {
                await fixture.store.close()
                throw error
            }
            await fixture.store.close()
            return value
        }
    }

    /// - Parameter tools: manifests of the test's own.
    private init(_ sandbox: SandboxFixture, tools: [String], limits: ChannelLimits, workerIsProbe: Bool) async throws {
        self.sandbox = sandbox
        store = try SQLiteRuntimeStore.inMemory()
        kernel = FakeKernel(store: store, capabilities: capabilities)
        let registry = ToolRegistry()
        try registry.load(directory: Products.policies + "/tools")
        for text in tools { try registry.register(try ToolManifest.read(Array(text.utf8), fileName: "test.yaml")) }
        var worker = try #require(WorkerProgram.installed(), "glovebox-worker is built with the tests")
        worker.environment = Products.environment
        if workerIsProbe { worker.path = Products.probe }
        broker = ToolBroker(
            registry: registry, store: store, kernel: kernel, capabilities: capabilities, supervisor: sandbox.supervisor,
            files: try WorkspaceFiles(path: sandbox.workspace), worker: worker, limits: limits
        ) { name throws(PolicyError) in
            do {
                return try TestPolicies.shipped(name)
            } catch {
                throw error as? PolicyError ?? PolicyError(file: name, message: "\(error)", mend: "")
            }
        }
        let tools = registry.all
        let made = AgentProcess(
            image: "test", status: .running, toolTable: Dictionary(uniqueKeysWithValues: tools.map { ($0.name, $0.spec.id) }),
            createdAt: Timestamp(microseconds: 0))
        process = made.id
        try await store.write { transaction throws(LibOSError) in try transaction.insert(made) }
        try await broker.persistTools()
    }

    /// Another broker over the same store and sandboxes, as after a start with other manifests.
    /// - Parameter policy: In the place of every tool's own; nil for those.
    func broker(with registry: ToolRegistry, policy: ResolvedPolicy? = nil) -> ToolBroker {
        ToolBroker(
            registry: registry, store: store, kernel: kernel, capabilities: capabilities, supervisor: sandbox.supervisor,
            files: broker.files, worker: broker.worker, limits: broker.limits
        ) { [broker] name throws(PolicyError) in
            if let policy { return policy }
            return try broker.loadPolicy(name)
        }
    }

    // MARK: - Authority

    @discardableResult
    func grant(
        _ resource: String, _ rights: Set<CapabilityRight>, effect: Effect = .allow, uses: Int64? = nil
    ) async throws -> CapabilityRecord {
        let terms = CapabilityTerms(resource: try Resource.parse(resource), rights: rights, effect: effect, uses: uses)
        let (capabilities, process) = (capabilities, process)
        return try await store.write { transaction throws(LibOSError) in
            try capabilities.grant(terms, to: process, by: .human("owner"), in: transaction)
        }
    }

    func change(_ body: @escaping @Sendable (inout AgentProcess) -> Void) async throws {
        let process = process
        try await store.write { transaction throws(LibOSError) in
            var made = try transaction.existingProcess(process)
            body(&made)
            try transaction.update(made)
        }
    }

    // MARK: - Calls

    func completion(_ tool: String, _ arguments: String, resumed: HumanRequestID? = nil) async throws -> Completion<ToolCallResult> {
        try await broker.call(
            ToolCallRequest(process: process, tool: tool, arguments: try json(arguments), resumed: resumed, correlation: "quantum"))
    }

    func call(_ tool: String, _ arguments: String) async throws -> ToolCallResult {
        switch try await completion(tool, arguments) {
        case .done(let result): return result
        case .waiting(let wait): throw LibOSError(.process, "the call waits: \(wait)")
        }
    }

    // MARK: - Records

    func audit(_ action: String) async throws -> [AuditEntry] {
        try await store.read { reading throws(LibOSError) in
            try reading.audit(AuditQuery(action: action, limit: 1000)).map(\.entry)
        }
    }

    func events() async throws -> [RuntimeEvent] {
        // Tools first: a call and its end may be of one instant.
        let targets = broker.registry.all.map { "tool:\($0.spec.id)" } + [process.text]
        return try await store.read { reading throws(LibOSError) in
            var events: [RuntimeEvent] = []
            for target in targets { events += try reading.events(for: target, after: nil, limit: 1000) }
            return events.filter { $0.target != nil }.sorted { $0.createdAt < $1.createdAt }
        }
    }

    func calls(_ state: ToolCallRecord.State? = nil) async throws -> [ToolCallRecord] {
        let process = process
        return try await store.read { reading throws(LibOSError) in try reading.toolCalls(of: process, state: state, limit: 1000) }
    }

    func capability(_ id: CapabilityID) async throws -> CapabilityRecord? {
        try await store.read { reading throws(LibOSError) in try reading.capability(id) }
    }
}
