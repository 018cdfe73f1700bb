internal import Glibc
internal import Synchronization

/// The kernel's random numbers, fetched several at a time: every record has an id, and each would ask twice. None is given out twice,
/// also not to another process: this one never goes on in a copy of itself.
enum RandomWords {
    private static let stock = Mutex<[UInt64]>([])
    /// 256 bytes, the most that getentropy(3) gives.
    private static let fetched = 32

    static func next() -> (UInt64, UInt64) {
        stock.withLock { words in
            if words.count < 2 { words = fetch() }
            return (words.removeLast(), words.removeLast())
        }
    }

    private static func fetch() -> [UInt64] {
        var words = [UInt64](repeating: 0, count: fetched)
        let failed = words.withUnsafeMutableBytes { getentropy($0.baseAddress, $0.count) } != 0
        guard failed else { return words }
        // A filter around this process that refuses the call: Swift has its own ways.
        return words.map { _ in UInt64.random(in: .min ... .max) }
    }
}
