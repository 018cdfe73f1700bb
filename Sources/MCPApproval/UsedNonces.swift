internal import LibOSModel
internal import Synchronization

/// Which states were taken, as long as they could be brought again.
final class UsedNonces: Sendable {
    private let until = Mutex<[String: Timestamp]>([:])
    /// More than a client that behaves gets to see: full, nothing is taken any more until some are over.
    static let most = 16_384

    /// True the first time.
    func take(_ nonce: String, until end: Timestamp, now: Timestamp) -> Bool {
        until.withLock { until in
            if until.count >= Self.most { until = until.filter { now < $0.value } }
            guard until.count < Self.most, until[nonce] == nil else { return false }
            until[nonce] = end
            return true
        }
    }
}
