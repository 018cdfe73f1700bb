internal import AgentRuntime
internal import CapabilityBroker
internal import LibOSModel
internal import MCPRelay
internal import SandboxPolicy
internal import StrictJSON

/// The session's process in a store that is opened for its begin and for its end alone.
enum MCPSession {
    /// - Returns: the process, and the lock that shows others that somebody stands behind it.
    static func begin(
        server: String, command: [String], policy: ResolvedPolicy, given: [CapabilityTerms], _ options: StoreOptions
    ) async throws -> (process: ProcessID, lock: SessionLock) {
        try await RuntimeSession.with(options, makesStore: true) { session in
            let processes = session.runtime.processes
            let process = try await session.store.write { transaction throws(LibOSError) in
                try SessionProcess.begin(
                    server: server, command: command, policy: policy, given: given, processes, in: transaction)
            }
            // While the store is held, so that nobody finds the process without its lock.
            do {
                return (process, try SessionLock(store: session.place.file, process))
            } catch {
                let how = JSONValue.object(["error": .string("\(error)")])
                try await session.store.write { transaction throws(LibOSError) in
                    try SessionProcess.end(process, server: server, how: how, processes, in: transaction)
                }
                throw error
            }
        }
    }

    static func end(_ process: ProcessID, _ lock: SessionLock, _ options: StoreOptions, how: JSONValue, server: String) async throws {
        try await RuntimeSession.with(options) { session in
            let processes = session.runtime.processes
            try await session.store.write { transaction throws(LibOSError) in
                try SessionProcess.end(process, server: server, how: how, processes, in: transaction)
            }
            lock.remove()
        }
    }

    /// Ends the sessions that nobody stands behind any more: whoever ran them was killed, or the machine went down. To be called by
    /// whoever has the store open for writing.
    static func mend(_ store: String, _ runtime: AgentRuntime) async throws(LibOSError) {
        let sessions = try await runtime.store.read { reading throws(LibOSError) in try SessionProcess.alive(in: reading) }
        let abandoned = sessions.filter { !SessionLock.isHeld(store: store, $0) }
        if abandoned.isEmpty { return }
        let processes = runtime.processes
        try await runtime.store.write { transaction throws(LibOSError) in
            for process in abandoned { try SessionProcess.abandon(process, processes, in: transaction) }
        }
        for process in abandoned { SessionLock.remove(store: store, process) }
    }
}
