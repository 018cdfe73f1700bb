package import CapabilityBroker
package import LibOSModel
package import SandboxLauncher
package import SandboxPolicy
internal import StrictJSON

/// Calls tools: decides, confines, runs and records each call, in an order that no caller can change.
///
/// The command line, MCP and the agent loop all enter at `call`. A call is two transactions around an effect: the first one decides
/// and leaves the intent on disk, the second one closes it. A crash between the two leaves the intent as `unknown`.
package struct ToolBroker: Sendable {
    package let registry: ToolRegistry
    let store: any RuntimeStore
    let kernel: any LibOSKernel
    let capabilities: CapabilityBroker
    let supervisor: SandboxSupervisor
    let files: WorkspaceFiles
    let worker: WorkerProgram
    let loadPolicy: @Sendable (String) throws(PolicyError) -> ResolvedPolicy
    let limits: ChannelLimits
    let policies = CallPolicies()
    let digests = ProgramDigests()
    /// Workers that stay for the next call; nil where nobody tells of commits, and then none stays.
    let sessions: WorkerSessions?

    /// - Parameters:
    ///   - files: the workspace that `filesystem:workspace:` means.
    ///   - worker: the program of the built-in tools, `{worker}` in manifests.
    ///   - commits: tells of everything that is written to the store. Without it no worker stays for a second call: what takes its
    ///     authority away would not be seen.
    ///   - loadPolicy: the policy of a name, with everything that it inherits. Asked for at each call: keep what you parsed.
    package init(
        registry: ToolRegistry, store: any RuntimeStore, kernel: any LibOSKernel, capabilities: CapabilityBroker,
        supervisor: SandboxSupervisor, files: WorkspaceFiles, worker: WorkerProgram, limits: ChannelLimits = .standard,
        commits: (@Sendable () -> AsyncStream<Void>)? = nil,
        loadPolicy: @escaping @Sendable (String) throws(PolicyError) -> ResolvedPolicy
    ) {
        self.registry = registry
        self.store = store
        self.kernel = kernel
        self.capabilities = capabilities
        self.supervisor = supervisor
        self.files = files
        self.worker = worker
        self.limits = limits
        self.loadPolicy = loadPolicy
        sessions = commits.map { WorkerSessions(store: store, capabilities: capabilities, supervisor: supervisor, commits: $0) }
    }

    /// Puts every registered tool into the store, for records and people. Once, at start.
    package func persistTools() async throws(LibOSError) {
        let specs = registry.all.map(\.spec)
        try await store.write { transaction throws(LibOSError) in
            for spec in specs where try transaction.tool(spec.id)?.meaning != spec.meaning {
                try transaction.put(spec)
                try transaction.append(
                    AuditEntry(
                        actor: "runtime", action: "tool.register", target: "tool:\(spec.id)",
                        decision: .object(["tool": .string(spec.name), "version": .string(spec.version)])))
            }
        }
    }

    /// What a process sees: the tools of its table, sorted by name. They are what `call` lets through, and nothing else is.
    package func visibleTools(of process: AgentProcess) -> [ToolSpec] {
        process.toolTable.keys.sorted(by: utf8Precedes).compactMap { name in
            guard let tool = registry.tool(named: name), tool.spec.id == process.toolTable[name] else { return nil }
            return tool.spec
        }
    }

    /// Ids by name for a process's tool table. Unknown names are given back.
    package func table(of names: [String]) -> (table: [String: ToolID], unknown: [String]) {
        var table: [String: ToolID] = [:]
        var unknown: [String] = []
        for name in names {
            if let tool = registry.tool(named: name) { table[name] = tool.spec.id } else { unknown.append(name) }
        }
        return (table, unknown)
    }

    /// Ends the workers that wait for another call; returns when nothing of them is alive and each session is on record. Before the
    /// store closes and the supervisor ends.
    package func endSessions() async { await sessions?.close() }

    /// One call, to its end or into a wait. Refusals and failures are results; only a store that fails throws. Cancelling the task
    /// ends the tool, and the records are closed all the same.
    /// - Parameters:
    ///   - decided: called when the call may be made and its intent is on record, before anything of it starts.
    ///   - ending: Records of the caller's own, written together with those that close the call. Not run for a call that was refused
    ///     before it began, for one that waits, and for one whose end is the process's end or another beginning of it.
    package func call(
        _ request: ToolCallRequest, progress: @escaping ChannelSession.ProgressHandler = { _, _ in },
        decided: @Sendable () -> Void = {}, ending: CallEnding? = nil
    ) async throws(LibOSError) -> Completion<ToolCallResult> {
        switch try await prepare(request) {
        case .ended(let result): return .done(result)
        case .waiting(let wait): return .waiting(wait)
        case .ready(let call):
            decided()
            let outcome = await run(call, progress: progress)
            // Records of what happened are not the caller's to cancel: no store lets itself be. What follows them might.
            if outcome.deferred == nil { return try await close(call, outcome, ending) }
            let closing = Task { () async -> Result<Completion<ToolCallResult>, LibOSError> in
                do throws(LibOSError) {
                    return .success(try await close(call, outcome, nil))
                } catch {
                    return .failure(error)
                }
            }
            return try await closing.value.get()
        }
    }
}

/// What a caller records of a call's result, in the transaction that closes the call. May be run again when that was undone.
package typealias CallEnding = @Sendable (ToolCallResult, any StoreTransaction) throws(LibOSError) -> Void

extension ToolSpec {
    /// What two versions of a tool are compared by. Schemas are compared in canonical form: stores may order keys anew.
    fileprivate var meaning: String {
        JSONValue.object([
            "name": .string(name), "description": .string(description), "version": .string(version), "input": inputSchema,
            "output": outputSchema ?? .null, "tags": .strings(tags), "owner": .optional(owner?.text),
        ]).canonicalText
    }
}
