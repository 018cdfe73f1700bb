internal import Glibc
internal import LinuxPrimitives
internal import Synchronization

/// The pool's threads: they build what calls have taken, end what nobody wants, and give back what calls have leased. There are
/// none while nothing waits.
extension SandboxPool {
    /// An idle pool looks at its clock and at the machine's memory this often, nanoseconds.
    private static let lookPeriod: UInt64 = 5_000_000_000

    /// Wakes a worker, or starts one. False when there is none to be had.
    func hire() -> Bool {
        let starts = state.withLock { state -> Bool in
            if state.idleWorkers > 0 { return false }
            guard state.workers < settings.builders else { return false }
            state.workers += 1
            return true
        }
        guard starts else {
            try? wake.signal()
            return true
        }
        if DetachedThread.start({ self.work() }) { return true }
        return state.withLock { state -> Bool in
            state.workers -= 1
            if state.isClosed, state.workers == 0 { try? workersEnded.signal() }
            return state.workers > 0
        }
    }

    private func work() {
        // Of this thread alone: the kernel keeps it per thread.
        if settings.builderNice > 0 { setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, settings.builderNice) }
        var isIdle = false
        while true {
            seeMemory()
            let step = state.withLock { state -> PoolState.Step in
                followMounts(&state)
                if state.isClosed { return .nothing }
                let now = MonotonicClock.now()
                state.trim(settings, now)
                return state.next(settings, now)
            }
            switch step {
            case .build(let blueprint): buildNext(blueprint)
            case .release: releaseNext()
            case .discard: discardNext()
            case .later(let time):
                state.withLock { $0.idleWorkers += 1 }
                _ = wait(until: time)
            case .nothing:
                if rest(&isIdle) { return }
                continue
            }
            isIdle = false
        }
    }

    private func seeMemory() {
        guard state.withLock({ $0.mustSeeMemory(MonotonicClock.now()) }) else { return }
        let isShort = (KernelFacts.availableMemoryShare() ?? 1) < settings.reservedMemory
        state.withLock { $0.isShort = isShort }
    }

    /// Waits for something to do. True when this worker has become one too many.
    private func rest(_ isIdle: inout Bool) -> Bool {
        forgetEnded()
        let isOver = state.withLock { state -> Bool in
            guard state.isClosed || isIdle && state.hasNothingToKeep else {
                state.idleWorkers += 1
                return false
            }
            state.workers -= 1
            // Said under the lock, so that who sees it closed and without a worker need not wait.
            if state.isClosed { try? state.workers == 0 ? workersEnded.signal() : wake.signal() } // the last one, or on to the next
            return true
        }
        if isOver { return true }
        isIdle = !wait(until: MonotonicClock.now() + Self.lookPeriod)
        return false
    }

    /// As one of those that count as idle. True when somebody wants one.
    private func wait(until deadline: UInt64) -> Bool {
        _ = try? Polling.wait(wake.rawValue, for: .readable, deadline: deadline)
        return state.withLock { state -> Bool in
            state.idleWorkers -= 1
            return (try? wake.drain()) == true
        }
    }

    private func buildNext(_ blueprint: Blueprint) {
        let made: PoolState.Waiting?
        do throws(LaunchError) {
            made = try build(blueprint)
        } catch {
            made = nil
            state.withLock { $0.buildFailed(blueprint, error) }
        }
        let isUnwanted = state.withLock { state -> Bool in
            if let index = state.index(of: blueprint) { state.kinds[index].beingBuilt -= 1 }
            guard let made else { return false }
            followMounts(&state)
            return !state.add(made, to: blueprint)
        }
        if isUnwanted, let made { end(made.parked) }
    }

    private func releaseNext() {
        // Their ends take time, so they come outside of the lock.
        _ = state.withLock { state -> [SandboxLeases] in
            defer { state.released = [] }
            return state.released
        }
    }

    private func discardNext() {
        if let unused = state.withLock({ $0.discarded.popLast() }) { end(unused) }
    }

    /// Ends one that is not used. What it has leased is free when its last process has gone.
    func end(_ unused: any StandingSandbox) {
        state.withLock { $0.history.discarded += 1 }
        if !unused.sandbox.end() { linger(unused.sandbox) }
    }

    func linger(_ sandbox: LaunchedSandbox) { state.withLock { $0.lingering.append(sandbox) } }

    private func forgetEnded() {
        let lingering = state.withLock { state -> [LaunchedSandbox] in
            defer { state.lingering = [] }
            return state.lingering
        }
        guard !lingering.isEmpty else { return }
        let alive = lingering.filter { !$0.hasEnded }
        state.withLock { $0.lingering += alive }
    }
}
