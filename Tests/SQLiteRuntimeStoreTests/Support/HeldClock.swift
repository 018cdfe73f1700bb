import LibOSModel
import Synchronization

/// A clock that tests set.
final class HeldClock: RuntimeClock {
    private let instant: Mutex<Timestamp>

    init(_ instant: Timestamp) { self.instant = Mutex(instant) }

    func now() -> Timestamp { instant.withLock { $0 } }
    func set(_ new: Timestamp) { instant.withLock { $0 = new } }
}
