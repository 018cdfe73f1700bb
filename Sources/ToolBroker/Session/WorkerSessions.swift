internal import CapabilityBroker
internal import LibOSModel
internal import LinuxPrimitives
internal import SandboxLauncher
internal import SandboxPolicy
internal import Synchronization

/// The sessions of one broker. Each belongs to one agent process and one tool; what one process's worker knows no other process's call
/// can reach.
final class WorkerSessions: Sendable {
    enum Offer: Sendable {
        case served(by: WorkerSession)
        /// Its session serves another call, or there is no room: this one gets a sandbox of its own.
        case elsewhere
    }

    private struct State {
        var sessions: [SessionOwner: WorkerSession] = [:]
        /// Over, and not yet recorded.
        var ending = 0
        var waiters: [CheckedContinuation<Void, Never>] = []
        var watch: Task<Void, Never>?
        var isClosed = false
    }

    /// Workers that wait cost memory and a sandbox each.
    static let most = 16

    private let store: any RuntimeStore
    private let capabilities: CapabilityBroker
    private let supervisor: SandboxSupervisor
    private let commits: @Sendable () -> AsyncStream<Void>
    private let state = Mutex(State())

    init(
        store: any RuntimeStore, capabilities: CapabilityBroker, supervisor: SandboxSupervisor,
        commits: @escaping @Sendable () -> AsyncStream<Void>
    ) {
        self.store = store
        self.capabilities = capabilities
        self.supervisor = supervisor
        self.commits = commits
    }

    deinit {
        let (sessions, watch) = state.withLock { (Array($0.sessions.values), $0.watch) }
        watch?.cancel()
        for session in sessions { session.end(.shutDown) }
    }

    /// Gives the call to its process's session, or to a new one when there is none that would do.
    func offer(
        _ job: WorkerSession.Job, _ key: SessionKey, _ claim: SessionClaim, _ request: RunRequest, limits: ChannelLimits,
        loadPolicy: @escaping @Sendable (String) throws(PolicyError) -> ResolvedPolicy
    ) throws(SystemError) -> Offer {
        let (offer, isNew) = try state.withLock { (state) throws(SystemError) -> (Offer, Bool) in
            if state.isClosed { return (.elsewhere, false) }
            if let known = state.sessions[key.owner] {
                if known.isBusy { return (.elsewhere, false) }
                if known.key == key, known.offer(job) { return (.served(by: known), false) }
                known.end(.confinement)
                state.sessions[key.owner] = nil
            }
            if state.sessions.count >= Self.most {
                guard let oldest = state.sessions.filter({ !$0.value.isBusy }).min(by: { $0.value.idleSince < $1.value.idleSince }) else {
                    return (.elsewhere, false)
                }
                oldest.value.end(.room)
                state.sessions[oldest.key] = nil
            }
            let session = try WorkerSession(request, key, claim.hold, limits: limits)
            _ = session.offer(job)
            state.sessions[key.owner] = session
            state.ending += 1
            return (.served(by: session), true)
        }
        if isNew, case .served(let session) = offer {
            let supervisor = supervisor
            session.start { await supervisor.run($0, onThreadWith: $1) }
            follow(session)
            watch(loadPolicy)
        }
        return offer
    }

    /// Ends the session of a process and a tool when what it rests on is not so any more. In the transaction that decides the next call: no
    /// signal and no revocation can fall between the two.
    func check(_ owner: SessionOwner, in store: any StoreReading) throws(LibOSError) {
        guard let session = state.withLock({ $0.sessions[owner] }), !session.isOver, !session.isBusy else { return }
        try session.check(capabilities, in: store)
    }

    /// How many sessions there are, those that are ending left out.
    var count: Int { state.withLock { $0.sessions.values.count { !$0.isOver } } }

    /// Ends every session; returns when nothing of them is alive and each is on record. No new one begins.
    func close() async {
        let sessions = state.withLock { state in
            state.isClosed = true
            state.watch?.cancel()
            return Array(state.sessions.values)
        }
        for session in sessions { session.end(.shutDown) }
        await settled()
    }

    /// Returns when no session is left.
    func settled() async {
        await withCheckedContinuation { waiter in
            let isDone = state.withLock { state in
                if state.ending > 0 { state.waiters.append(waiter) }
                return state.ending == 0
            }
            if isDone { waiter.resume() }
        }
    }

    private func follow(_ session: WorkerSession) {
        Task.detached { [store, weak self] in
            let report = await session.report
            await SessionRecord.write(session, report, to: store)
            self?.forget(session)
        }
    }

    private func forget(_ session: WorkerSession) {
        let waiters = state.withLock { state in
            if state.sessions[session.key.owner] === session { state.sessions[session.key.owner] = nil }
            state.ending -= 1
            guard state.ending == 0 else { return [CheckedContinuation<Void, Never>]() }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    // MARK: - What happens between calls

    /// Looks after each commit, for as long as this lives.
    private func watch(_ loadPolicy: @escaping @Sendable (String) throws(PolicyError) -> ResolvedPolicy) {
        let isFirst = state.withLock { $0.watch == nil && !$0.isClosed }
        guard isFirst else { return }
        // Listened to before the first look, so that no commit falls in between.
        let news = commits()
        let task = Task.detached { [weak self] in
            for await _ in news {
                guard let self else { return }
                await self.review(loadPolicy)
            }
        }
        let isLate = state.withLock { state in
            if state.watch != nil || state.isClosed { return true }
            state.watch = task
            return false
        }
        if isLate { task.cancel() }
    }

    /// Ends the sessions that rest on something that is not so any more. One that serves a call is looked at after it, by the commit that
    /// closes that call.
    func review(_ loadPolicy: @Sendable (String) throws(PolicyError) -> ResolvedPolicy) async {
        let sessions = state.withLock { Array($0.sessions.values) }.filter { !$0.isOver && !$0.isBusy }
        if sessions.isEmpty { return }
        for session in sessions {
            let now = try? loadPolicy(session.hold.policyName)
            if now != session.hold.policy.resolved { session.end(.policy) }
        }
        let left = sessions.filter { !$0.isOver }
        let capabilities = capabilities
        do throws(LibOSError) {
            try await store.read { store throws(LibOSError) in
                for session in left { try session.check(capabilities, in: store) }
            }
        } catch {
            for session in left { session.end(.unknownState) }
        }
    }
}
