/// Cuts a stream of untrusted bytes into lines. It never holds more than one frame and what was read with its end.
package struct FrameReader: Sendable {
    private let limits: ChannelLimits
    private var pending: [UInt8] = []
    /// Where the next frame begins in `pending`.
    private var start = 0
    /// Bytes behind `start` that are known to hold no newline.
    private var searched = 0
    private var total = 0
    private var frames = 0

    package init(_ limits: ChannelLimits) { self.limits = limits }

    package mutating func append(_ bytes: some Collection<UInt8>) throws(ProtocolViolation) {
        total += bytes.count
        if total > limits.totalBytes {
            throw ProtocolViolation(.tooMuchData, "the worker wrote more than \(limits.totalBytes) bytes")
        }
        if start > 0 {
            pending.removeFirst(start)
            start = 0
        }
        pending.append(contentsOf: bytes)
    }

    /// The next whole frame without its newline; nil when there is none yet. Empty lines are skipped and count.
    package mutating func next() throws(ProtocolViolation) -> [UInt8]? {
        while true {
            guard let end = pending[(start + searched)...].firstIndex(of: 0x0A) else {
                searched = pending.count - start
                if searched > limits.frameBytes { throw tooLong }
                return nil
            }
            let frame = Array(pending[start..<end])
            start = end + 1
            searched = 0
            if frame.count > limits.frameBytes { throw tooLong }
            frames += 1
            if frames > limits.frames {
                throw ProtocolViolation(.tooManyFrames, "the worker sent more than \(limits.frames) frames")
            }
            if !frame.isEmpty { return frame }
        }
    }

    /// Bytes without an end, or whole frames that nobody took.
    package var hasRest: Bool { start < pending.count }

    private var tooLong: ProtocolViolation {
        ProtocolViolation(.frameTooLong, "the worker sent a frame of more than \(limits.frameBytes) bytes")
    }
}
