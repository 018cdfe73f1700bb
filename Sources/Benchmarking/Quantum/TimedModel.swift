internal import LLMExecutor
internal import LinuxPrimitives
internal import Synchronization

/// A model client that notes how long it took.
final class TimedModel: ModelClient {
    let name: String
    let isRealModel: Bool
    private let base: any ModelClient
    private let spent = Mutex<UInt64>(0)

    init(_ base: any ModelClient) {
        self.base = base
        name = base.name
        isRealModel = base.isRealModel
    }

    /// Nanoseconds since the last call.
    func takeTime() -> UInt64 {
        spent.withLock { spent in
            defer { spent = 0 }
            return spent
        }
    }

    func complete(_ request: ModelRequest) async throws(ModelError) -> ModelCompletion {
        let began = MonotonicClock.now()
        defer { spent.withLock { $0 += MonotonicClock.now() - began } }
        return try await base.complete(request)
    }
}
