internal import LinuxPrimitives

/// What waits for one side, and goes as that side takes it. What has gone is not moved out of the way each time: a slow reader takes a
/// megabyte in small pieces.
struct OutgoingBytes {
    private var bytes: [UInt8] = []
    private var start = 0

    private static let keptCapacity = 1 << 20

    var count: Int { bytes.count - start }
    var isEmpty: Bool { start == bytes.count }

    /// Takes over what was written elsewhere, and leaves room for more there.
    mutating func take(_ more: inout [UInt8]) {
        if more.isEmpty { return }
        if isEmpty {
            bytes.removeAll(keepingCapacity: bytes.capacity <= Self.keptCapacity)
            start = 0
            swap(&bytes, &more)
        } else {
            bytes += more
            more.removeAll(keepingCapacity: more.capacity <= Self.keptCapacity)
        }
    }

    mutating func drop() {
        bytes = []
        start = 0
    }

    /// Writes what is taken now. True when nobody reads any more.
    mutating func write(_ body: (UnsafeRawBufferPointer) -> NonBlockingWriter.Taken) -> Bool {
        var isGone = false
        bytes.withUnsafeBytes { raw in
            while start < raw.count {
                switch body(UnsafeRawBufferPointer(rebasing: raw[start...])) {
                case .bytes(let count): start += count
                case .nothing: return
                case .gone:
                    isGone = true
                    return
                }
            }
        }
        if !isEmpty, start > bytes.count / 2 {
            bytes.removeFirst(start)
            start = 0
        }
        return isGone
    }
}
