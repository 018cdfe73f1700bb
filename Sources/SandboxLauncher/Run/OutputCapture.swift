/// The first and the last bytes of a stream, in a bounded room.
package struct OutputCapture {
    private let headLimit: Int
    private let tailLimit: Int
    private var head: [UInt8] = []
    /// A ring: the newest bytes overwrite the oldest.
    private var tail: [UInt8] = []
    private var tailStart = 0

    /// - Parameter keep: bytes in all.
    package init(keep: Int) {
        headLimit = keep / 2
        tailLimit = keep - keep / 2
    }

    package mutating func add(_ bytes: UnsafeRawBufferPointer) {
        let first = min(max(headLimit - head.count, 0), bytes.count)
        head += bytes.prefix(first)
        let rest = bytes.dropFirst(first)
        guard !rest.isEmpty, tailLimit > 0 else { return }
        if tail.count < tailLimit, tail.count + rest.count <= tailLimit {
            tail += rest
            return
        }
        for byte in rest.suffix(tailLimit) {
            if tail.count < tailLimit {
                tail.append(byte)
            } else {
                tail[tailStart] = byte
                tailStart = (tailStart + 1) % tailLimit
            }
        }
    }

    package func result(totalBytes: UInt64) -> CapturedOutput {
        CapturedOutput(head: head, tail: Array(tail[tailStart...] + tail[..<tailStart]), totalBytes: totalBytes)
    }
}
