internal import AgentRuntime
internal import CapabilityBroker
internal import CommandOutput
internal import LibOSModel
internal import MCPServer
internal import SQLiteRuntimeStore
internal import SandboxPolicy
internal import StrictJSON
internal import Synchronization
internal import ToolBroker

/// The store of a session that serves a client: open for moments, so that people can answer what is asked and other commands can write.
final class ServedStore: Sendable {
    let session: RuntimeSession
    private let live = Mutex<LiveSession?>(nil)

    private init(_ session: RuntimeSession) { self.session = session }

    static func open(_ place: StorePlace, _ registry: ToolRegistry) async throws -> ServedStore {
        try place.requireOutside(place.workspace)
        try place.makeParents()
        let capabilities = CapabilityBroker()
        let records = LeasedStore(path: place.file, opened: { capabilities.forget() }) { Console.note("glovebox: \(SafeText.line($0))") }
        return ServedStore(try await RuntimeSession.over(LeasedRuntimeStore(records), place, registry, capabilities))
    }

    func begin(_ selection: ToolSelection, _ policy: ResolvedPolicy, _ rights: SessionRights) async throws -> ProcessID {
        let processes = session.runtime.processes
        let tools = Dictionary(uniqueKeysWithValues: selection.entries.map { ($0.manifest.spec.id, $0.manifest.name) })
        let process = try await session.store.write { transaction throws(LibOSError) in
            try ServedSession.begin(tools: tools, policy: policy, rights: rights, processes, in: transaction)
        }
        let held = try LiveSession(of: process, store: session.place.file)
        live.withLock { $0 = held }
        return process
    }

    func end(_ process: ProcessID, how: JSONValue) async throws {
        let processes = session.runtime.processes
        defer { live.withLock { $0 = nil } }
        try await session.store.write { transaction throws(LibOSError) in
            try ServedSession.end(process, how: how, processes, in: transaction)
        }
    }
}
