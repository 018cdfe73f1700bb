internal import Synchronization
internal import ToolBroker

/// The calls that are under way over all connections.
final class HTTPCalls: Sendable {
    private struct State {
        var next: UInt64 = 0
        var calls: [UInt64: HTTPCall] = [:]
        var isClosed = false
    }

    private let most: Int
    private let state = Mutex(State())

    init(most: Int) { self.most = most }

    /// Nil when there is no room.
    func start(_ body: @escaping @Sendable () async -> Void) -> HTTPCall? {
        state.withLock { state in
            guard !state.isClosed, state.calls.count < most else { return nil }
            state.next += 1
            let number = state.next
            let cancellation = CallCancellation()
            let task = Task { [self] in
                await CallCancellation.$current.withValue(cancellation) { await body() }
                self.state.withLock { _ = $0.calls.removeValue(forKey: number) }
            }
            let call = HTTPCall(task: task, cancellation: cancellation)
            state.calls[number] = call
            return call
        }
    }

    /// Before what they are heard on is closed: no client has left then.
    func note(_ cause: String) {
        for call in state.withLock({ Array($0.calls.values) }) { call.cancellation.note(cause) }
    }

    /// Ends them all, and returns when they have ended.
    func close() async {
        let calls = state.withLock { state in
            state.isClosed = true
            return Array(state.calls.values)
        }
        for call in calls { call.task.cancel() }
        for call in calls { await call.task.value }
    }
}

struct HTTPCall: Sendable {
    fileprivate let task: Task<Void, Never>
    fileprivate let cancellation: CallCancellation

    func cancel(because cause: String) {
        cancellation.note(cause)
        task.cancel()
    }
}
