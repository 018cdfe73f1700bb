import LibOSModel
import Synchronization

/// A clock that tests hold in their hands.
final class HeldClock: RuntimeClock {
    static let noon = Timestamp(microseconds: 1_795_000_000_000_000)

    private let instant = Mutex(HeldClock.noon)

    func now() -> Timestamp { instant.withLock { $0 } }
    func advance(seconds: Double) { instant.withLock { $0 = $0.adding(seconds: seconds) } }
}
