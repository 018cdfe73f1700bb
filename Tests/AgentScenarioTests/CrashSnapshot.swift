import CapabilityLanguage
import LibOSModel
import SQLiteRuntimeStore
import StrictJSON
import TestSupport
import Testing

/// Everything that a store and its workspace hold after a program was killed, recovery included.
struct CrashSnapshot {
    var processes: [AgentProcess] = []
    var calls: [ToolCallRecord] = []
    var modelCalls: [ModelCallRecord] = []
    var pending: [PendingAction] = []
    var requests: [HumanRequest] = []
    var capabilities: [CapabilityRecord] = []
    var audit: [AuditRecord] = []
    /// Of `tool_called`, by process.
    var begun: [ProcessID: [RuntimeEvent]] = [:]
    /// Results of calls of living processes that are not there.
    var missingResults: [ObjectID] = []
    /// Names in the workspace.
    var files: [String] = []
    var log: [String] = []

    /// Of a store that was recovered. It is read only: a program that this one starts for another test would hold its lock for a moment.
    static func take(_ directory: String) async throws -> CrashSnapshot {
        let store = try await SQLiteRuntimeStore.openReadOnly(path: directory + "/records/store.sqlite")
        let verification = try await store.verifyAudit()
        #expect(verification.isWhole, "\(String(describing: verification.fault))")
        var snapshot = try await store.read { store throws(LibOSError) in try read(store) }
        await store.close()
        snapshot.files = try HostFile.names(directory + "/workspace")
        snapshot.log = try HostFile.text(directory + "/workspace/log.txt").split(separator: "\n").map(String.init)
        return snapshot
    }

    private static func read(_ store: any StoreReading) throws(LibOSError) -> CrashSnapshot {
        var snapshot = CrashSnapshot()
        snapshot.processes = try store.processes(status: nil)
        snapshot.calls = try store.toolCalls(of: nil, state: nil, limit: .max).reversed()
        snapshot.modelCalls = try store.modelCalls(of: nil, limit: .max).reversed()
        snapshot.pending = try store.pendingActions()
        snapshot.requests = try store.humanRequests(status: nil, process: nil)
        snapshot.audit = try store.audit(AuditQuery(limit: .max))
        for process in snapshot.processes {
            snapshot.capabilities += try store.capabilities(of: process.id)
            for tool in process.toolTable.values {
                snapshot.begun[process.id, default: []] += try store.events(for: "tool:\(tool)", after: nil, limit: .max)
                    .filter { $0.type == .toolCalled && $0.source == process.id.text }
            }
        }
        // An end releases what its process owned.
        let living = Set(snapshot.processes.filter { !$0.status.isTerminal }.map(\.id))
        for call in snapshot.calls where living.contains(call.process) {
            if let result = call.result, try store.object(result) == nil { snapshot.missingResults.append(result) }
        }
        return snapshot
    }

    func audit(_ action: String) -> [AuditRecord] { audit.filter { $0.entry.action == action } }
    func children(of id: ProcessID) -> [AgentProcess] { processes.filter { $0.parent == id } }
    func calls(_ tool: String, _ key: String? = nil, _ value: String = "") -> [ToolCallRecord] {
        calls.filter { $0.toolName == tool && (key == nil || $0.arguments[key ?? ""] == .string(value)) }
    }
}

extension AuditRecord {
    func says(_ key: String, _ value: String) -> Bool { entry.decision[key] == .string(value) }
}
