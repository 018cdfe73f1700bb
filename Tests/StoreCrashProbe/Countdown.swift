internal import Glibc
internal import SQLiteRuntimeStore
internal import Synchronization

/// Counts the points that the store passes and ends the program at one of them, with nothing in between.
final class Countdown: Sendable {
    private let point: Int
    private let count = Mutex(0)

    init(point: Int) { self.point = point }

    var passed: Int { count.withLock { $0 } }

    var observer: StoreObserver {
        { _ in
            let reached = self.count.withLock { count in
                count += 1
                return count
            }
            if reached == self.point { kill(getpid(), SIGKILL) }
        }
    }
}
