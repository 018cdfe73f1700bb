internal import LibOSModel
internal import LinuxPrimitives
internal import Synchronization

/// A store that notes when each of its transactions was asked for, when its body ended and when it was answered.
final class TimedStore: RuntimeStore {
    struct Step: Sendable {
        var durability: Durability?
        var asked: UInt64
        var decided: UInt64
        var answered: UInt64
    }

    private let base: any RuntimeStore
    private let steps = Mutex<[Step]>([])

    init(_ base: any RuntimeStore) { self.base = base }

    /// The transactions since the last call.
    func takeSteps() -> [Step] {
        steps.withLock { steps in
            defer { steps = [] }
            return steps
        }
    }

    func write<Value: Sendable>(
        _ durability: Durability, _ body: @escaping @Sendable (any StoreTransaction) throws(LibOSError) -> Value
    ) async throws(LibOSError) -> Value {
        let asked = MonotonicClock.now()
        let result = try await base.write(durability) { transaction throws(LibOSError) in
            (try body(transaction), MonotonicClock.now())
        }
        note(Step(durability: durability, asked: asked, decided: result.1, answered: MonotonicClock.now()))
        return result.0
    }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any StoreReading) throws(LibOSError) -> Value
    ) async throws(LibOSError) -> Value {
        let asked = MonotonicClock.now()
        let result = try await base.read { store throws(LibOSError) in (try body(store), MonotonicClock.now()) }
        note(Step(durability: nil, asked: asked, decided: result.1, answered: MonotonicClock.now()))
        return result.0
    }

    func close() async { await base.close() }

    private func note(_ step: Step) { steps.withLock { $0.append(step) } }
}
