internal import Glibc
internal import Synchronization

/// Random bits for ids, taken from the kernel some dozens of ids at a time: a record of its own system call each would cost more than
/// writing it.
enum RandomBits {
    private static let words = 32
    private static let drawn = Mutex<[UInt64]>([])

    static func next() -> UInt64 {
        drawn.withLock { drawn in
            if let word = drawn.popLast() { return word }
            drawn = draw()
            return drawn.removeLast()
        }
    }

    /// Up to 256 bytes come whole, or not at all.
    private static func draw() -> [UInt64] {
        [UInt64](unsafeUninitializedCapacity: words) { room, count in
            let size = words * MemoryLayout<UInt64>.size
            precondition(getentropy(room.baseAddress, size) == 0, "the kernel gives no random numbers")
            count = words
        }
    }
}
