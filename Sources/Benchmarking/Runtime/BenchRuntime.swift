internal import AgentRuntime
internal import CapabilityBroker
internal import CapabilityLanguage
internal import Glibc
internal import LibOSModel
internal import LinuxPrimitives
internal import SQLiteRuntimeStore
internal import SandboxLauncher
internal import SandboxPolicy
internal import StrictJSON
internal import ToolBroker

/// A runtime over a store and a workspace of the measurement's own, with one file to read.
struct BenchRuntime: Sendable {
    let runtime: AgentRuntime
    let store: SQLiteRuntimeStore
    let observed: TimedStore
    let registry: ToolRegistry
    let broker: ToolBroker
    let supervisor: SandboxSupervisor

    static let fileName = "file.txt"
    /// An agent makes some dozens of calls, and each leaves an object in its sight: a process takes its turn for so many.
    static let callsOfAProcess = 50

    /// - Parameter name: of the store's file: each runtime has one of its own.
    static func open(
        _ host: BenchHost, _ place: BenchPlace, store name: String = "store", usesTemplates: Bool = true, pool: SandboxPoolSettings? = nil
    ) async throws -> BenchRuntime {
        guard let worker = WorkerProgram.installed() else {
            throw LibOSError(.notFound, "glovebox-worker is not beside this program", mend: "build it with `make build`")
        }
        guard let tools = host.tools else {
            throw LibOSError(.notFound, "the shipped tools were not found", mend: "install Glovebox with `make install`")
        }
        let store = try await SQLiteRuntimeStore.open(path: "\(place.root)/state/\(name).sqlite")
        let supervisor = try SandboxSupervisor(usesTemplates: usesTemplates, pool: pool)
        do {
            let registry = ToolRegistry()
            try registry.load(directory: tools)
            let capabilities = CapabilityBroker()
            let observed = TimedStore(store)
            let runtime = AgentRuntime(store: observed, broker: capabilities, tools: Named(registry: registry))
            try await runtime.start()
            let broker = ToolBroker(
                registry: registry, store: runtime.store, kernel: runtime, capabilities: capabilities, supervisor: supervisor,
                files: try WorkspaceFiles(path: try PathResolution.canonicalPath(place.workspace)), worker: worker, loadPolicy: host.policy)
            try await broker.persistTools()
            return BenchRuntime(
                runtime: runtime, store: store, observed: observed, registry: registry, broker: broker, supervisor: supervisor)
        } catch {
            supervisor.shutDown()
            await store.close()
            throw error
        }
    }

    func close() async {
        supervisor.shutDown()
        await store.close()
    }

    /// The file that is read, some tens of lines.
    static func makeFile(in place: BenchPlace) throws {
        try place.file("workspace/\(fileName)", Array(String(repeating: "a line of text\n", count: 64).utf8))
    }

    /// A process that may read the file.
    func spawn() async throws -> ProcessID {
        let terms = CapabilityTerms(resource: try Resource.parse("filesystem:workspace:\(Self.fileName)"), rights: [.read])
        let made = try await runtime.spawn(
            SpawnRequest(
                image: "coding-agent:v0", goal: .text("bench"), capabilities: [terms],
                budget: ResourceBudget([.toolCalls: 1_000_000, .materializedTokens: 8_000])))
        return made.id
    }

    /// Decides, seals, runs and records one read. Nil when the text came back.
    func read(as process: ProcessID) async -> String? {
        do {
            let request = ToolCallRequest(
                process: process, tool: "read_text_file", arguments: .object([JSONMember("path", .string(Self.fileName))]))
            guard case .done(let result) = try await broker.call(request) else { return "the call waits" }
            return result.isOK ? nil : result.error ?? "the call failed"
        } catch {
            return "\(error)"
        }
    }

    private struct Named: ToolDirectory {
        let registry: ToolRegistry
        func staticTool(named name: String) -> ToolID? { registry.tool(named: name)?.spec.id }
    }
}
