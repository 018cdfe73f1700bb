package import LibOSModel
internal import Synchronization

/// A store that tells of its commits, so that nobody has to look again and again. Everything that writes in a running runtime
/// writes through it.
package struct ObservedStore: RuntimeStore {
    private let base: any RuntimeStore
    package let commits = CommitSignal()

    package init(_ base: any RuntimeStore) { self.base = base }

    package func write<Value: Sendable>(
        _ durability: Durability, _ body: @escaping @Sendable (any StoreTransaction) throws(LibOSError) -> Value
    ) async throws(LibOSError) -> Value {
        let value = try await base.write(durability, body)
        commits.signal()
        return value
    }

    package func read<Value: Sendable>(
        _ body: @escaping @Sendable (any StoreReading) throws(LibOSError) -> Value
    ) async throws(LibOSError) -> Value {
        try await base.read(body)
    }

    package func close() async { await base.close() }
}

/// Tells whoever listens that something was committed. Signals that nobody has taken yet count as one.
package final class CommitSignal: Sendable {
    private struct State {
        var next: UInt64 = 0
        var listeners: [UInt64: AsyncStream<Void>.Continuation] = [:]
    }

    private let state = Mutex(State())

    /// Listen first, look at the store then, and wait last: so no commit falls in between.
    package func listen() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            state.next += 1
            state.listeners[state.next] = continuation
            return state.next
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { $0.listeners[id] = nil }
        }
        return stream
    }

    package func signal() {
        let listeners = state.withLock { Array($0.listeners.values) }
        for listener in listeners { listener.yield() }
    }
}
