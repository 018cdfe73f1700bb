internal import AgentRuntime
internal import CapabilityBroker
internal import CommandOutput
internal import Glovebox
internal import LLMExecutor
internal import LibOSModel
internal import LinuxPrimitives
internal import SQLiteRuntimeStore
internal import SandboxLauncher
internal import SandboxPolicy
internal import Synchronization
internal import ToolBroker

/// The runtime of one command over one store, put together here and nowhere else. While it is open no other command writes.
struct RuntimeSession: Sendable {
    let place: StorePlace
    let runtime: AgentRuntime
    let registry: ToolRegistry
    let capabilities: CapabilityBroker

    var store: ObservedStore { runtime.store }

    /// Opens a store for writing, does the work, and closes it, however the work ends.
    static func with<Value>(
        _ options: StoreOptions, tools: ToolOptions? = nil, makesStore: Bool = false, _ body: (RuntimeSession) async throws -> Value
    ) async throws -> Value {
        let session = try await open(options, tools: tools, makesStore: makesStore)
        do {
            let value = try await body(session)
            await session.store.close()
            return value
        } catch {
            await session.store.close()
            throw error
        }
    }

    /// Milliseconds to wait for another command that writes: sessions of MCP servers hold the store for moments, again and again.
    static let patience: UInt64 = 2_000

    private static func open(_ options: StoreOptions, tools: ToolOptions?, makesStore: Bool) async throws -> RuntimeSession {
        let place = try options.place()
        let registry = try tools?.registry() ?? ToolRegistry()
        if makesStore {
            try place.requireOutside(place.workspace)
            try place.makeParents()
        } else if !place.exists {
            throw CommandFailure.failed(
                "there is no store \(place.file) yet; `glovebox agent spawn` makes it, and --store or --workspace name another")
        }
        let store = try await SQLiteRuntimeStore.open(path: place.file, patience: patience)
        return try await over(store, place, registry, CapabilityBroker())
    }

    /// The runtime over a store, which is closed when it cannot be made ready.
    static func over(
        _ store: any RuntimeStore, _ place: StorePlace, _ registry: ToolRegistry, _ capabilities: CapabilityBroker
    ) async throws -> RuntimeSession {
        let runtime = AgentRuntime(
            store: store, broker: capabilities, tools: RegisteredTools(registry: registry),
            directories: WorkspaceDirectories(workspace: place.workspace))
        let session = RuntimeSession(place: place, runtime: runtime, registry: registry, capabilities: capabilities)
        do {
            try await runtime.start()
            try await MCPSession.mend(place.file, runtime)
        } catch {
            await store.close()
            throw error
        }
        return session
    }

    /// The way to tools: sandboxes for this workspace, under the policies of this host. They end with the work, also the workers that wait
    /// for another call.
    /// - Parameter policies: of tools, by their names.
    func withTools<Value>(
        _ policies: LoadedPolicies = LoadedPolicies(), _ body: (ToolBroker) async throws -> Value
    ) async throws -> Value {
        let workspace = try Workspace(checking: place.workspace, writable: true)
        try place.requireOutside(workspace.path)
        try registry.requireOutside(workspace.path, shipped: PolicyStore.standard().shippedDirectory.map { $0 + "/tools" })
        guard let worker = WorkerProgram.installed() else {
            throw CommandFailure.failed(
                "glovebox-worker is neither beside this program nor in ../libexec/glovebox; build it with `make build`, or install "
                    + "Glovebox with `make install`")
        }
        let supervisor = try SandboxSupervisor()
        defer { supervisor.shutDown() }
        let commits = store.commits
        let broker = ToolBroker(
            registry: registry, store: store, kernel: runtime, capabilities: capabilities, supervisor: supervisor,
            files: try WorkspaceFiles(path: workspace.path), worker: worker, commits: { commits.listen() }
        ) { name throws(PolicyError) in try policies.policy(name) }
        try broker.requireSessions()
        try await broker.persistTools()
        do {
            let value = try await body(broker)
            await broker.endSessions()
            return value
        } catch {
            await broker.endSessions()
            throw error
        }
    }
}

/// Policies of this host, each read again when its files were touched.
final class LoadedPolicies: Sendable {
    private let known = Mutex<[String: (tracked: TrackedPolicy, policy: ResolvedPolicy)]>([:])
    private let store = PolicyStore.standard()
    private let adapt: @Sendable (ResolvedPolicy) -> ResolvedPolicy

    /// - Parameter adapt: makes of each what holds here.
    init(adapt: @escaping @Sendable (ResolvedPolicy) -> ResolvedPolicy = { $0 }) { self.adapt = adapt }

    /// As its files are now: a run may last for hours, and what a person takes back counts for the next call.
    func policy(_ name: String) throws(PolicyError) -> ResolvedPolicy {
        if let found = known.withLock({ $0[name] }), found.tracked.isCurrent { return found.policy }
        let tracked = try store.loadTracked(name)
        let policy = adapt(tracked.policy)
        known.withLock { $0[name] = (tracked, policy) }
        return policy
    }
}

private struct RegisteredTools: ToolDirectory {
    let registry: ToolRegistry
    func staticTool(named name: String) -> ToolID? { registry.tool(named: name)?.spec.id }
}

/// Looks into the workspace, beneath it and through no link. Without one every path is refused.
private struct WorkspaceDirectories: DirectoryLookup {
    let workspace: String

    func isDirectory(_ path: String) async -> Bool {
        guard let files = try? WorkspaceFiles(path: workspace), let place = try? WorkspacePath.of(path, in: ".") else { return false }
        let found = try? await WorkspaceFiles.work { () throws(LibOSError) in try files.look(at: place) }
        return found?.isDirectory ?? false
    }
}
