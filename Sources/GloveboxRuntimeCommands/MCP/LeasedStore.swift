internal import CapabilityBroker
internal import Dispatch
internal import LibOSModel
internal import LinuxPrimitives
internal import MCPRelay
internal import SQLiteRuntimeStore
internal import Synchronization

/// A store that is open only while there is something to write: a session lasts for hours, and people must be able to answer what it
/// asks meanwhile, and other sessions to write.
final class LeasedStore: RelayRecords {
    private enum Job: Sendable {
        case work(run: @Sendable (SQLiteRuntimeStore, CapabilityBroker) async -> Void, refuse: @Sendable (LibOSError) -> Void)
        /// Nothing was to be done for a while.
        case idle
        case end(@Sendable () -> Void)
    }

    /// Nanoseconds without work after which the store is let go, and those that it is held at most under steady work.
    private static let idleTime: UInt64 = 100_000_000
    private static let longestHold: UInt64 = 1_000_000_000
    /// Milliseconds in which somebody else may take it then.
    private static let gap: UInt64 = 10
    private static let patience: UInt64 = 5_000

    private let jobs: AsyncStream<Job>.Continuation
    private let complain: @Sendable (String) -> Void

    /// - Parameter complain: told of what could not be recorded.
    init(path: String, complain: @escaping @Sendable (String) -> Void) {
        self.complain = complain
        let (stream, continuation) = AsyncStream.makeStream(of: Job.self)
        jobs = continuation
        Task.detached { await Keeper(path: path, again: continuation).serve(stream) }
    }

    func perform<Value: Sendable>(_ work: @escaping Work<Value>) throws(LibOSError) -> Value {
        let answer = Answer<Value>()
        jobs.yield(
            .work(
                run: { store, broker in
                    do throws(LibOSError) {
                        answer.give(.success(try await store.write { transaction throws(LibOSError) in try work(transaction, broker) }))
                    } catch {
                        answer.give(.failure(error))
                    }
                }, refuse: { answer.give(.failure($0)) }))
        return try answer.wait().get()
    }

    func enqueue(_ work: @escaping Work<Void>) {
        let complain = complain
        @Sendable func lost(_ error: LibOSError) { complain("something was not put on record: \(error)") }
        jobs.yield(
            .work(
                run: { store, broker in
                    do throws(LibOSError) {
                        try await store.write { transaction throws(LibOSError) in try work(transaction, broker) }
                    } catch {
                        lost(error)
                    }
                }, refuse: lost))
    }

    /// Waits until everything is written and the store is let go. Nothing may be handed over afterwards.
    func close() async {
        await withCheckedContinuation { continuation in jobs.yield(.end { continuation.resume() }) }
        jobs.finish()
    }

    /// Holds the store, on one task.
    private struct Keeper {
        private struct Lease {
            var store: SQLiteRuntimeStore
            /// It belongs to one opening: what it remembers may be old after the next.
            var broker: CapabilityBroker
            var since: UInt64
        }

        let path: String
        let again: AsyncStream<Job>.Continuation
        private var lease: Lease?
        private var lastWork: UInt64 = 0
        private var isTimed = false

        init(path: String, again: AsyncStream<Job>.Continuation) {
            self.path = path
            self.again = again
        }

        consuming func serve(_ jobs: AsyncStream<Job>) async {
            var keeper = self
            for await job in jobs { await keeper.handle(job) }
        }

        private mutating func handle(_ job: Job) async {
            switch job {
            case .work(let run, let refuse):
                do throws(LibOSError) {
                    let held = try await held()
                    await run(held.store, held.broker)
                } catch {
                    refuse(error)
                }
                lastWork = MonotonicClock.now()
                timeIdleness()
            case .idle:
                isTimed = false
                if MonotonicClock.now() &- lastWork >= LeasedStore.idleTime { await release() } else { timeIdleness() }
            case .end(let done):
                await release()
                done()
            }
        }

        private mutating func held() async throws(LibOSError) -> Lease {
            if let lease {
                if MonotonicClock.now() &- lease.since < LeasedStore.longestHold { return lease }
                await release()
                try? await Task.sleep(for: .milliseconds(LeasedStore.gap))
            }
            let store = try await SQLiteRuntimeStore.open(path: path, patience: LeasedStore.patience)
            let new = Lease(store: store, broker: CapabilityBroker(), since: MonotonicClock.now())
            lease = new
            return new
        }

        private mutating func release() async {
            await lease?.store.close()
            lease = nil
        }

        private mutating func timeIdleness() {
            if isTimed || lease == nil { return }
            isTimed = true
            let again = again
            Task.detached {
                try? await Task.sleep(for: .nanoseconds(Int64(LeasedStore.idleTime)))
                again.yield(.idle)
            }
        }
    }

    /// What a thread waits for.
    private final class Answer<Value: Sendable>: Sendable {
        private let result = Mutex<Result<Value, LibOSError>?>(nil)
        private let isThere = DispatchSemaphore(value: 0)

        func give(_ value: Result<Value, LibOSError>) {
            result.withLock { $0 = value }
            isThere.signal()
        }

        func wait() -> Result<Value, LibOSError> {
            isThere.wait()
            return result.withLock { $0 } ?? .failure(LibOSError(.store, "the store gave no answer"))
        }
    }
}
