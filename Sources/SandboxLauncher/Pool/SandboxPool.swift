internal import Glibc
internal import LinuxPrimitives
internal import Synchronization

/// Sandboxes that stand before they are needed. Each is used once: what a call leaves goes with its sandbox.
///
/// They are built on threads of the pool's own, after the call that took one has ended, so that building takes nothing from a call
/// that is under way.
final class SandboxPool: Sendable {
    struct Ready {
        let standing: any StandingSandbox
        let narrowing: SandboxFit.Narrowing
    }

    let settings: SandboxPoolSettings
    let state = Mutex(PoolState())
    let wake: EventDescriptor
    let workersEnded: EventDescriptor
    private let connection: LauncherConnection
    private let lease: @Sendable (Blueprint) throws(LaunchError) -> SandboxLeases
    private let mounts: MountTable
    private let mountsHaveChanged: @Sendable () -> Void

    /// - Parameters:
    ///   - lease: ids and cgroup for one sandbox, as the blueprint counts on them.
    ///   - mountsHaveChanged: called once what waited was given up for that; it must not come back here.
    init(
        _ settings: SandboxPoolSettings, connection: LauncherConnection,
        lease: @escaping @Sendable (Blueprint) throws(LaunchError) -> SandboxLeases, mountsHaveChanged: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        self.mountsHaveChanged = mountsHaveChanged
        self.settings = settings
        self.connection = connection
        self.lease = lease
        wake = try EventDescriptor()
        workersEnded = try EventDescriptor()
        mounts = try MountTable()
    }

    // MARK: - Calls

    /// A sandbox for a call. Nil when none waits that would do.
    ///
    /// - Parameter isAskedFor: noted, so that such a sandbox is kept ready. Not for what is only the second choice.
    func take(_ blueprint: Blueprint, isAskedFor: Bool = true) -> Ready? {
        let now = MonotonicClock.now()
        while true {
            let found = state.withLock { state -> (waiting: PoolState.Waiting, narrowing: SandboxFit.Narrowing)? in
                guard !state.isClosed else { return nil }
                followMounts(&state)
                if isAskedFor { state.note(blueprint, now) }
                return state.take(for: blueprint)
            }
            guard let found else { break }
            if found.waiting.sources.areUnchanged, let ready = ready(found.waiting.parked, found.narrowing) { return ready }
            state.withLock { $0.discarded.append(found.waiting.parked) }
        }
        guard settings.buildsOnDemand, let made = buildNow(blueprint) else {
            state.withLock { $0.history.missed += 1 }
            return nil
        }
        return ready(made.parked, [])
    }

    private func ready(_ parked: any StandingSandbox, _ narrowing: SandboxFit.Narrowing) -> Ready? {
        guard parked.isAlive else { return nil }
        state.withLock { $0.history.taken += 1 }
        return Ready(standing: parked, narrowing: narrowing)
    }

    /// One that was taken and turned out to be of no use. The end of its call has a worker look.
    func giveUp(_ standing: any StandingSandbox) {
        let isOpen = state.withLock { state -> Bool in
            if !state.isClosed { state.discarded.append(standing) }
            return !state.isClosed
        }
        if !isOpen { end(standing) }
    }

    /// A call has ended: what it took is made anew.
    func callEnded(_ leases: SandboxLeases) {
        if settings.buildsOnDemand { return } // the next call builds with them
        let isOpen = state.withLock { state -> Bool in
            guard !state.isClosed else { return false }
            state.released.append(leases)
            state.lastEnd = MonotonicClock.now()
            return true
        }
        guard isOpen, !hire() else { return }
        _ = state.withLock { state -> [SandboxLeases] in // here, then
            defer { state.released = [] }
            return state.released
        }
    }

    /// Builds as many as the settings ask for of this kind, on the calling thread. False when that could not be done.
    func fill(_ blueprint: Blueprint) -> Bool {
        let missing = state.withLock { state -> Int in
            state.note(blueprint, MonotonicClock.now())
            return settings.perKind - (state.kinds.last?.waiting.count ?? 0)
        }
        for _ in 0..<max(0, missing) {
            guard addOne(blueprint) else { return false }
        }
        return true
    }

    private func addOne(_ blueprint: Blueprint) -> Bool {
        // What was built while the host's mounts changed shows them as they were; an interpreter's start leaves time for that.
        for _ in 0..<Self.mostChanges {
            guard let made = buildNow(blueprint) else { return false }
            let (isAdded, isStale) = state.withLock { state -> (Bool, Bool) in
                followMounts(&state)
                return (state.add(made, to: blueprint), state.generation != made.generation)
            }
            if isAdded { return true }
            end(made.parked)
            guard isStale else { return false }
        }
        return false
    }

    private static let mostChanges = 3

    /// How many wait.
    var count: Int { state.withLock { $0.waitingCount } }

    var status: SandboxPoolStatus { state.withLock { $0.status(at: MonotonicClock.now()) } }

    // MARK: - Building

    func build(_ blueprint: Blueprint) throws(LaunchError) -> PoolState.Waiting {
        let generation = state.withLock { $0.generation }
        let leases = try lease(blueprint)
        let sources = try sources(of: blueprint)
        let standing = try stand(blueprint, leases)
        state.withLock { $0.history.built += 1 }
        return PoolState.Waiting(parked: standing, sources: sources, generation: generation)
    }

    private func sources(of blueprint: Blueprint) throws(LaunchError) -> SandboxSources {
        let known = state.withLock { state in state.index(of: blueprint).flatMap { state.kinds[$0].sources } }
        if let known, known.areUnchanged { return known }
        guard let seen = SandboxSources(of: blueprint.kind, covers: blueprint.covers) else {
            throw LaunchError(.path, "a granted path is another file than when the plan was made", mend: "the next call plans anew")
        }
        state.withLock { state in
            if let index = state.index(of: blueprint) { state.kinds[index].sources = seen }
        }
        return seen
    }

    private func stand(_ blueprint: Blueprint, _ leases: SandboxLeases) throws(LaunchError) -> any StandingSandbox {
        guard let parks = blueprint.parks else {
            return try ParkedSandbox(blueprint.kind, parksTool: parksTool(blueprint), leases: leases, through: connection) {
                self.linger($0)
            }
        }
        return try ParkedProgram.launch(
            parks.program, in: blueprint.kind, parks.mediation, leases: leases, through: connection,
            patience: settings.readyMilliseconds.clampedTimes(1_000_000)
        ) { self.linger($0) }
    }

    private func parksTool(_ blueprint: Blueprint) -> Bool {
        let known = state.withLock { state in state.index(of: blueprint).flatMap { state.kinds[$0].parksTool } }
        if let known { return known }
        let isPossible = settings.parksTools && ParkedTool.isPossible(in: blueprint.kind)
        state.withLock { state in
            if let index = state.index(of: blueprint) { state.kinds[index].parksTool = isPossible }
        }
        return isPossible
    }

    private func buildNow(_ blueprint: Blueprint) -> PoolState.Waiting? {
        do throws(LaunchError) {
            return try build(blueprint)
        } catch {
            state.withLock { $0.buildFailed(blueprint, error) }
            return nil
        }
    }

    func followMounts(_ state: inout PoolState) {
        guard mounts.hasChanged() else { return }
        state.empty()
        state.generation += 1
        mountsHaveChanged()
    }

    // MARK: - The end

    /// No call follows. What waits ends; the launcher should have been dismissed before, so that what is being built ends as well.
    func close() {
        let hasWorkers = state.withLock { state -> Bool in
            let isFirst = !state.isClosed
            state.isClosed = true
            state.empty()
            return isFirst && state.workers > 0
        }
        try? wake.signal()
        if hasWorkers { _ = try? Polling.wait(workersEnded.rawValue, for: .readable, deadline: nil) }
        while let unused = state.withLock({ $0.discarded.popLast() }) { end(unused) }
        _ = state.withLock { state -> ([SandboxLeases], [LaunchedSandbox]) in
            defer { (state.released, state.lingering) = ([], []) }
            return (state.released, state.lingering)
        }
    }
}
