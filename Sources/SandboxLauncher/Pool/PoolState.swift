internal import LinuxPrimitives

/// What a pool knows: a value, changed under the pool's lock, which touches neither processes nor files.
struct PoolState: Sendable {
    struct Waiting: Sendable {
        let parked: any StandingSandbox
        let sources: SandboxSources
        /// `PoolState.generation` before it was built.
        let generation: UInt64
    }

    struct Kind: Sendable {
        let blueprint: SandboxPool.Blueprint
        var waiting: [Waiting] = []
        /// By a worker at this moment.
        var beingBuilt = 0
        var calls: UInt64 = 0
        var lastCall: UInt64
        /// Of the last one that was built: while they are unchanged they serve the next one too.
        var sources: SandboxSources?
        /// `ParkedTool.isPossible`, once somebody has asked.
        var parksTool: Bool?
        /// Building one failed: not tried again before the next call, and with a program in it not before ever more calls. A program that
        /// does not get ready takes the worker's time for as long as it is waited for.
        var hasFailed = false
        var failures: UInt64 = 0
        var retryAt: UInt64 = 0

        func isWanted(_ settings: SandboxPoolSettings) -> Bool {
            calls >= settings.callsBefore && waiting.count + beingBuilt < settings.perKind && !hasFailed
        }
    }

    /// The one that was asked for last stands last.
    var kinds: [Kind] = []
    var discarded: [any StandingSandbox] = []
    /// Of calls that have ended: giving a cgroup back takes longer than the caller should wait.
    var released: [SandboxLeases] = []
    /// When the last call ended.
    var lastEnd: UInt64 = 0
    /// What they have leased is not free before their last process has gone.
    var lingering: [LaunchedSandbox] = []
    /// Grows when the host's mounts have changed: what was built before shows them as they were.
    var generation: UInt64 = 0
    var workers = 0
    /// Of them those that wait for something to do.
    var idleWorkers = 0
    var isClosed = false
    /// The machine's memory, as somebody saw it at this time.
    var isShort = false
    var sawMemoryAt: UInt64 = 0
    /// Counters and the last failure; what is held is put in when somebody asks.
    var history = SandboxPoolStatus()

    private static let kindLimit = 32
    /// Nanoseconds for which a look at the machine's memory holds.
    private static let memoryPeriod: UInt64 = 100_000_000

    mutating func mustSeeMemory(_ now: UInt64) -> Bool {
        guard now - sawMemoryAt > Self.memoryPeriod else { return false }
        sawMemoryAt = now
        return true
    }

    enum Step {
        /// It counts as being built from here on.
        case build(SandboxPool.Blueprint)
        case release
        case discard
        /// There is something to do, but not before this time.
        case later(UInt64)
        case nothing
    }

    var waitingCount: Int { kinds.reduce(0) { $0 + $1.waiting.count } }
    var bytes: UInt64 { kinds.reduce(UInt64(0)) { $0 + $1.waiting.reduce(0) { $0 + $1.parked.memoryBytes } } }

    func status(at now: UInt64) -> SandboxPoolStatus {
        var status = history
        (status.waiting, status.bytes, status.lingering) = (waitingCount, bytes, lingering.count)
        status.kinds = kinds.reversed().map { kind in
            SandboxPoolStatus.Kind(
                policy: kind.blueprint.name, waiting: kind.waiting.count, calls: kind.calls,
                idleNanoseconds: now > kind.lastCall ? now - kind.lastCall : 0)
        }
        return status
    }

    func index(of blueprint: SandboxPool.Blueprint) -> Int? {
        kinds.lastIndex { blueprint.narrowing(in: $0.blueprint) == [] }
    }

    /// A call asks for this kind.
    mutating func note(_ blueprint: SandboxPool.Blueprint, _ now: UInt64) {
        var kind: Kind
        if let index = index(of: blueprint) {
            if index == kinds.count - 1 {
                Self.touch(&kinds[index], now)
                return
            }
            kind = kinds.remove(at: index)
        } else {
            if kinds.count >= Self.kindLimit { discard(kinds.removeFirst().waiting) }
            kind = Kind(blueprint: blueprint, lastCall: now)
        }
        Self.touch(&kind, now)
        kinds.append(kind)
    }

    private static func touch(_ kind: inout Kind, _ now: UInt64) {
        kind.calls += 1
        kind.lastCall = now
        if kind.calls >= kind.retryAt { kind.hasFailed = false }
    }

    /// The one that has waited longest of those that would do.
    mutating func take(for blueprint: SandboxPool.Blueprint) -> (waiting: Waiting, narrowing: SandboxFit.Narrowing)? {
        for index in kinds.indices.reversed() where !kinds[index].waiting.isEmpty {
            guard let narrowing = blueprint.narrowing(in: kinds[index].blueprint) else { continue }
            return (kinds[index].waiting.removeFirst(), narrowing)
        }
        return nil
    }

    /// False when nobody wants it any more.
    mutating func add(_ made: Waiting, to blueprint: SandboxPool.Blueprint) -> Bool {
        guard !isClosed, generation == made.generation, let index = index(of: blueprint) else { return false }
        kinds[index].waiting.append(made)
        return true
    }

    mutating func buildFailed(_ blueprint: SandboxPool.Blueprint, _ error: LaunchError) {
        history.failed += 1
        history.lastFailure = error.description
        guard let index = index(of: blueprint) else { return }
        kinds[index].hasFailed = true
        guard blueprint.parks != nil else { return }
        kinds[index].failures += 1
        kinds[index].retryAt = kinds[index].calls + (4 << min(8, kinds[index].failures))
    }

    mutating func discard(_ unused: [Waiting]) { discarded += unused.map(\.parked) }

    /// For this long after a call its caller, who has just been woken, has the processors to itself, nanoseconds.
    private static let breath: UInt64 = 1_000_000
    /// What ended calls have leased may pile up so far meanwhile.
    private static let mostReleased = 16

    /// What a worker should do now.
    mutating func next(_ settings: SandboxPoolSettings, _ now: UInt64) -> Step {
        let wanted = settings.buildsOnDemand ? nil : kinds.lastIndex { $0.isWanted(settings) }
        // Whoever would find nothing ready waits longer than anybody whom the building of it holds up.
        let isUrgent = released.count > Self.mostReleased || (wanted.map { kinds[$0].waiting.isEmpty } ?? false)
        if !isUrgent, wanted != nil || !released.isEmpty, now < lastEnd + Self.breath { return .later(lastEnd + Self.breath) }
        if !released.isEmpty { return .release }
        if !discarded.isEmpty { return .discard }
        guard let wanted else { return .nothing }
        let beingBuilt = kinds.reduce(0) { $0 + $1.beingBuilt }
        if waitingCount + beingBuilt < settings.total, bytes < settings.memoryBytes {
            kinds[wanted].beingBuilt += 1
            return .build(kinds[wanted].blueprint)
        }
        // One that was asked for longer ago makes room.
        guard let oldest = kinds.firstIndex(where: { !$0.waiting.isEmpty }), oldest < wanted else { return .nothing }
        discard([kinds[oldest].waiting.removeFirst()])
        return .discard
    }

    /// Gives up what nobody asks for, and everything while the machine is short of memory.
    mutating func trim(_ settings: SandboxPoolSettings, _ now: UInt64) {
        for index in kinds.indices where isShort || now - kinds[index].lastCall > settings.idleMilliseconds &* 1_000_000 {
            discard(kinds[index].waiting)
            kinds[index].waiting = []
            (kinds[index].calls, kinds[index].retryAt) = (0, 0) // it has to be asked for anew
        }
    }

    mutating func empty() {
        for index in kinds.indices {
            discard(kinds[index].waiting)
            kinds[index].waiting = []
        }
    }

    var hasNothingToKeep: Bool {
        discarded.isEmpty && released.isEmpty && lingering.isEmpty && kinds.allSatisfy { $0.waiting.isEmpty && $0.beingBuilt == 0 }
    }
}
