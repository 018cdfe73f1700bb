internal import AgentRuntime
internal import CapabilityBroker
internal import LibOSModel
internal import MCPRelay
internal import SandboxPolicy
internal import StrictJSON

/// The session's process in a store that is opened for its begin and for its end alone.
enum MCPSession {
    static func begin(
        server: String, command: [String], policy: ResolvedPolicy, given: [CapabilityTerms], _ options: StoreOptions
    ) async throws -> ProcessID {
        try await RuntimeSession.with(options, makesStore: true) { session in
            let processes = session.runtime.processes
            return try await session.store.write { transaction throws(LibOSError) in
                try SessionProcess.begin(
                    server: server, command: command, policy: policy, given: given, processes, in: transaction)
            }
        }
    }

    static func end(_ process: ProcessID, _ options: StoreOptions, how: JSONValue, server: String) async throws {
        try await RuntimeSession.with(options) { session in
            let processes = session.runtime.processes
            try await session.store.write { transaction throws(LibOSError) in
                try SessionProcess.end(process, server: server, how: how, processes, in: transaction)
            }
        }
    }
}
