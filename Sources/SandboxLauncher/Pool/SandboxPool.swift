internal import Glibc
internal import LinuxPrimitives
internal import Synchronization

/// Sandboxes that stand before they are needed. Each is used once: what a call leaves goes with its sandbox.
///
/// They are built one at a time on a thread of the pool's own, after the call that took one has ended, so that building takes
/// nothing from a call that is under way.
final class SandboxPool: Sendable {
    /// What is kept ready, and how it is built.
    struct Blueprint: Sendable {
        /// `LaunchSpec.kind`
        var kind: LaunchSpec
        var covers: [MountEntry]
        /// Of the cgroup.
        var memoryBytes: UInt64
        var pids: UInt64
        /// The limits of a cgroup were left out of `kind`; without one it is another kind.
        var countsMemory: Bool
        /// What waits in it: nil is a sandbox for any program.
        var parks: ParkedPart?

        /// What a start would take away from a sandbox of another blueprint; nil when it would not do.
        func narrowing(in other: Blueprint) -> SandboxFit.Narrowing? {
            guard memoryBytes == other.memoryBytes, pids == other.pids, countsMemory == other.countsMemory else { return nil }
            guard parks?.program == other.parks?.program else { return nil }
            // Who runs already has its limits and rules, and nobody could take more away from outside.
            if parks != nil { return kind == other.kind ? [] : nil }
            return SandboxFit.narrowing(for: kind, in: other.kind)
        }
    }

    struct ParkedPart: Sendable {
        let program: ParkableProgram
        let mediation: ParkedProgram.Mediation
    }

    struct Ready {
        let standing: any StandingSandbox
        let narrowing: SandboxFit.Narrowing
    }

    private struct Waiting: Sendable {
        let parked: any StandingSandbox
        let sources: SandboxSources
        /// `State.generation` before it was built.
        let generation: UInt64
    }

    private struct Kind: Sendable {
        let blueprint: Blueprint
        var waiting: [Waiting] = []
        var calls: UInt64 = 0
        var lastCall: UInt64
        /// Building one failed: not tried again before the next call, and with a program in it not before ever more calls. A program that
        /// does not get ready takes the worker's time for as long as it is waited for.
        var hasFailed = false
        var failures: UInt64 = 0
        var retryAt: UInt64 = 0
    }

    private struct State {
        /// The one that was asked for last stands last.
        var kinds: [Kind] = []
        var discarded: [any StandingSandbox] = []
        /// Of calls that have ended: giving a cgroup back takes longer than the caller should wait.
        var released: [SandboxLeases] = []
        /// Grows when the host's mounts have changed: what was built before shows them as they were.
        var generation: UInt64 = 0
        var hasWorker = false
        var isClosed = false
    }

    private let settings: SandboxPoolSettings
    private let connection: LauncherConnection
    private let lease: @Sendable (Blueprint) -> SandboxLeases?
    private let state = Mutex(State())
    private let wake: EventDescriptor
    private let workerEnded: EventDescriptor
    private let mounts: MountTable
    private let mountsHaveChanged: @Sendable () -> Void

    private static let kindLimit = 32
    /// An idle pool looks at its clock and at the machine's memory this often, nanoseconds.
    private static let lookPeriod: UInt64 = 5_000_000_000

    /// - Parameters:
    ///   - lease: ids and cgroup for one sandbox; nil when there are none, or not those that the blueprint counts on.
    ///   - mountsHaveChanged: called once what waited was given up for that; it must not come back here.
    init(
        _ settings: SandboxPoolSettings, connection: LauncherConnection, lease: @escaping @Sendable (Blueprint) -> SandboxLeases?,
        mountsHaveChanged: @escaping @Sendable () -> Void
    ) throws(SystemError) {
        self.mountsHaveChanged = mountsHaveChanged
        self.settings = settings
        self.connection = connection
        self.lease = lease
        wake = try EventDescriptor()
        workerEnded = try EventDescriptor()
        mounts = try MountTable()
    }

    // MARK: - Calls

    /// A sandbox for a call. Nil when none waits that would do.
    ///
    /// - Parameter isAskedFor: noted, so that such a sandbox is kept ready. Not for what is only the second choice.
    func take(_ blueprint: Blueprint, isAskedFor: Bool = true) -> Ready? {
        let now = MonotonicClock.now()
        while true {
            let found = state.withLock { state -> (waiting: Waiting, narrowing: SandboxFit.Narrowing)? in
                guard !state.isClosed else { return nil }
                followMounts(&state)
                if isAskedFor { note(blueprint, now, &state) }
                for index in state.kinds.indices.reversed() where !state.kinds[index].waiting.isEmpty {
                    guard let narrowing = blueprint.narrowing(in: state.kinds[index].blueprint) else { continue }
                    return (state.kinds[index].waiting.removeFirst(), narrowing) // the one that has waited longest
                }
                return nil
            }
            guard let found else { break }
            if found.waiting.sources.areUnchanged, let ready = Self.ready(found.waiting.parked, found.narrowing) { return ready }
            state.withLock { $0.discarded.append(found.waiting.parked) }
        }
        guard settings.buildsOnDemand, let made = build(blueprint) else { return nil }
        return Self.ready(made.parked, [])
    }

    private static func ready(_ parked: any StandingSandbox, _ narrowing: SandboxFit.Narrowing) -> Ready? {
        guard parked.isAlive else { return nil }
        return Ready(standing: parked, narrowing: narrowing)
    }

    /// One that was taken and turned out to be of no use.
    func giveUp(_ standing: any StandingSandbox) {
        let isOpen = state.withLock { state -> Bool in
            if !state.isClosed { state.discarded.append(standing) }
            return !state.isClosed
        }
        // The call that took it ends later, and has the worker look.
        if !isOpen { standing.discard() }
    }

    private func note(_ blueprint: Blueprint, _ now: UInt64, _ state: inout State) {
        var kind: Kind
        if let index = state.kinds.lastIndex(where: { blueprint.narrowing(in: $0.blueprint) == [] }) {
            if index == state.kinds.count - 1 {
                touch(&state.kinds[index], now)
                return
            }
            kind = state.kinds.remove(at: index)
        } else {
            if state.kinds.count >= Self.kindLimit { state.discarded += state.kinds.removeFirst().waiting.map(\.parked) }
            kind = Kind(blueprint: blueprint, lastCall: now)
        }
        touch(&kind, now)
        state.kinds.append(kind)
    }

    private func touch(_ kind: inout Kind, _ now: UInt64) {
        kind.calls += 1
        kind.lastCall = now
        if kind.calls >= kind.retryAt { kind.hasFailed = false }
    }

    /// A call has ended: what it took is made anew.
    func callEnded(_ leases: SandboxLeases) {
        let starts = state.withLock { state -> Bool in
            guard !state.isClosed else { return false }
            state.released.append(leases)
            guard !state.hasWorker else {
                try? wake.signal()
                return false
            }
            state.hasWorker = true
            return true
        }
        guard starts, !DetachedThread.start({ self.work() }) else { return }
        _ = state.withLock { state -> [SandboxLeases] in
            state.hasWorker = false
            return state.released.takeAll() // here, then
        }
    }

    /// Builds as many as the settings ask for of this kind, on the calling thread. False when that could not be done.
    func fill(_ blueprint: Blueprint) -> Bool {
        let missing = state.withLock { state -> Int in
            note(blueprint, MonotonicClock.now(), &state)
            return settings.perKind - (state.kinds.last?.waiting.count ?? 0)
        }
        for _ in 0..<max(0, missing) {
            guard let made = build(blueprint), add(made, to: blueprint) else { return false }
        }
        return true
    }

    /// How many wait.
    var count: Int { state.withLock { $0.kinds.reduce(0) { $0 + $1.waiting.count } } }

    // MARK: - Building

    private func build(_ blueprint: Blueprint) -> Waiting? {
        let generation = state.withLock { $0.generation }
        guard let leases = lease(blueprint), let sources = SandboxSources(of: blueprint.kind, covers: blueprint.covers) else { return nil }
        guard let standing = try? stand(blueprint, leases) else { return nil }
        return Waiting(parked: standing, sources: sources, generation: generation)
    }

    private func stand(_ blueprint: Blueprint, _ leases: SandboxLeases) throws(LaunchError) -> any StandingSandbox {
        guard let parks = blueprint.parks else { return try ParkedSandbox(blueprint.kind, leases: leases, through: connection) }
        return try ParkedProgram.launch(
            parks.program, in: blueprint.kind, parks.mediation, leases: leases, through: connection,
            patience: settings.readyMilliseconds.clampedTimes(1_000_000))
    }

    /// False when nobody wants it any more.
    private func add(_ made: Waiting, to blueprint: Blueprint) -> Bool {
        let isWanted = state.withLock { state -> Bool in
            followMounts(&state)
            guard !state.isClosed, state.generation == made.generation,
                let index = state.kinds.lastIndex(where: { blueprint.narrowing(in: $0.blueprint) == [] })
            else { return false }
            state.kinds[index].waiting.append(made)
            return true
        }
        if !isWanted { made.parked.discard() }
        return isWanted
    }

    private enum Step: Equatable {
        case build(Int)
        case release
        case discard
        case nothing
    }

    /// What the worker should do now.
    private func next(_ state: inout State) -> Step {
        if !state.released.isEmpty { return .release }
        if !state.discarded.isEmpty { return .discard }
        let waiting = state.kinds.reduce(0) { $0 + $1.waiting.count }
        let bytes = state.kinds.reduce(UInt64(0)) { $0 + $1.waiting.reduce(0) { $0 + $1.parked.memoryBytes } }
        let wanted = state.kinds.lastIndex { kind in
            kind.calls >= settings.callsBefore && kind.waiting.count < settings.perKind && !kind.hasFailed
        }
        guard !settings.buildsOnDemand, let wanted else { return .nothing }
        if waiting < settings.total, bytes < settings.memoryBytes { return .build(wanted) }
        // One that was asked for longer ago makes room.
        guard let oldest = state.kinds.firstIndex(where: { !$0.waiting.isEmpty }), oldest < wanted else { return .nothing }
        state.discarded.append(state.kinds[oldest].waiting.removeFirst().parked)
        return .discard
    }

    // MARK: - The worker

    private func work() {
        var isIdle = false
        while true {
            let step = state.withLock { state -> Step in
                followMounts(&state)
                if state.isClosed { return .nothing }
                trim(&state)
                return next(&state)
            }
            if step != .nothing { isIdle = false }
            switch step {
            case .build(let index): buildNext(index)
            case .release: _ = state.withLock { $0.released.takeAll() }
            case .discard: discardNext()
            case .nothing:
                let isOver = state.withLock { state -> Bool in
                    let isEmpty = state.discarded.isEmpty && state.released.isEmpty && state.kinds.allSatisfy(\.waiting.isEmpty)
                    guard state.isClosed || isEmpty && isIdle else { return false }
                    state.hasWorker = false
                    // Said under the lock, so that who sees it closed and without a worker need not wait.
                    if state.isClosed { try? workerEnded.signal() }
                    return true
                }
                if isOver { return }
                _ = try? Polling.wait(wake.rawValue, for: .readable, deadline: MonotonicClock.now() + Self.lookPeriod)
                isIdle = (try? wake.drain()) != true
            }
        }
    }

    private func buildNext(_ index: Int) {
        let blueprint = state.withLock { $0.kinds.indices.contains(index) ? $0.kinds[index].blueprint : nil }
        guard let blueprint else { return }
        if let made = build(blueprint) {
            _ = add(made, to: blueprint)
        } else {
            state.withLock { state in
                guard let index = state.kinds.lastIndex(where: { blueprint.narrowing(in: $0.blueprint) == [] }) else { return }
                state.kinds[index].hasFailed = true
                guard blueprint.parks != nil else { return }
                state.kinds[index].failures += 1
                state.kinds[index].retryAt = state.kinds[index].calls + 4 << min(8, state.kinds[index].failures)
            }
        }
    }

    private func discardNext() { state.withLock { $0.discarded.popLast() }?.discard() }

    /// Gives up what nobody asks for, and everything while the machine is short of memory.
    private func trim(_ state: inout State) {
        let now = MonotonicClock.now()
        let isShort = (KernelFacts.availableMemoryShare() ?? 1) < settings.reservedMemory
        for index in state.kinds.indices where isShort || now - state.kinds[index].lastCall > settings.idleMilliseconds &* 1_000_000 {
            state.discarded += state.kinds[index].waiting.map(\.parked)
            state.kinds[index].waiting = []
            state.kinds[index].calls = 0 // it has to be asked for anew
        }
    }

    private func followMounts(_ state: inout State) {
        guard mounts.hasChanged() else { return }
        empty(&state)
        state.generation += 1
        mountsHaveChanged()
    }

    private func empty(_ state: inout State) {
        for index in state.kinds.indices {
            state.discarded += state.kinds[index].waiting.map(\.parked)
            state.kinds[index].waiting = []
        }
    }

    // MARK: - The end

    /// No call follows. What waits ends; the launcher should have been dismissed before, so that what is being built ends as well.
    func close() {
        let hasWorker = state.withLock { state -> Bool in
            let isFirst = !state.isClosed
            state.isClosed = true
            empty(&state)
            return isFirst && state.hasWorker
        }
        try? wake.signal()
        if hasWorker { _ = try? Polling.wait(workerEnded.rawValue, for: .readable, deadline: nil) }
        while let unused = state.withLock({ $0.discarded.popLast() }) { unused.discard() }
        _ = state.withLock { $0.released.takeAll() }
    }
}

extension [SandboxLeases] {
    /// Their ends take time, so they should come outside of a lock.
    fileprivate mutating func takeAll() -> [SandboxLeases] {
        defer { self = [] }
        return self
    }
}

extension SandboxLeases {
    /// What a sandbox of this blueprint needs of its own; nil when it cannot be had, or not as the blueprint counts on it.
    convenience init?(for blueprint: SandboxPool.Blueprint, from cgroups: ControlGroupPool?) {
        let group: ControlGroupLease?
        if blueprint.countsMemory {
            guard let leased = try? cgroups?.lease(memoryBytes: blueprint.memoryBytes, pids: blueprint.pids) else { return nil }
            group = consume leased
        } else {
            group = nil
        }
        let own: HostIdentityLease?
        if KernelFacts.isRoot {
            guard let leased = try? HostIdentityLease() else { return nil }
            own = consume leased
        } else {
            own = nil
        }
        self.init(identity: own, cgroup: group)
    }
}
