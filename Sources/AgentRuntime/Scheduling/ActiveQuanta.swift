internal import LibOSModel
internal import Synchronization

/// Which processes have a quantum under way in this program. A store has one writer, so this is all of them; after a crash there
/// are none.
package final class ActiveQuanta: Sendable {
    private struct State {
        /// Parked: the quantum's tool waits for something that happens outside of it.
        var parked: [ProcessID: Bool] = [:]
        var cancels: [ProcessID: @Sendable () -> Void] = [:]
        /// Time of quanta that is not a whole second yet. Losing it in a crash costs nobody more than a second.
        var carried: [ProcessID: Duration] = [:]
    }

    private let state = Mutex(State())

    /// False when the process has one already.
    func begin(_ id: ProcessID) -> Bool {
        state.withLock { state in
            guard state.parked[id] == nil else { return false }
            state.parked[id] = false
            return true
        }
    }

    func finish(_ id: ProcessID) {
        state.withLock { state in
            state.parked[id] = nil
            state.cancels[id] = nil
        }
    }

    /// How the quantum under way is cancelled.
    func onCancel(_ id: ProcessID, _ cancel: @escaping @Sendable () -> Void) {
        state.withLock { state in
            if state.parked[id] != nil { state.cancels[id] = cancel }
        }
    }

    var cancellable: [ProcessID] { state.withLock { Array($0.cancels.keys) } }

    func cancel(_ id: ProcessID) { state.withLock { $0.cancels[id] }?() }

    func setParked(_ isParked: Bool, _ id: ProcessID) {
        state.withLock { state in
            if state.parked[id] != nil { state.parked[id] = isParked }
        }
    }

    func isActive(_ id: ProcessID) -> Bool { state.withLock { $0.parked[id] != nil } }

    /// A quantum that has just ended is not parked: what comes of it is about to be noted.
    func areAllParked(_ ids: some Collection<ProcessID>) -> Bool {
        state.withLock { state in ids.allSatisfy { state.parked[$0] == true } }
    }

    /// The whole seconds that a process has run since they were last asked for; the rest is kept.
    func wholeSeconds(adding elapsed: Duration, to id: ProcessID) -> Int64 {
        state.withLock { state in
            let total = (state.carried[id] ?? .zero) + elapsed
            let whole = total.components.seconds
            state.carried[id] = total - .seconds(whole)
            return whole
        }
    }
}
