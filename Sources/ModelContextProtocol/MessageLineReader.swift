internal import Glibc

/// Cuts a stream into its lines, one message each, and never keeps more than one line's bound of it.
package struct MessageLineReader: Sendable {
    package enum Item: Sendable, Equatable {
        /// Without its newline; never blank.
        case line([UInt8])
        /// The beginning of a line that is longer than allowed; the rest of it is skipped.
        case tooLong(head: [UInt8])
    }

    /// Bytes of a line without its newline.
    package let longest: Int
    private var pending: [UInt8] = []
    /// Where the next line begins in `pending`, and how much of it was searched already.
    private var start = 0
    private var searched = 0
    private var isSkipping = false

    /// Bytes of a line too long that are still shown to whoever wants to know what it was.
    package static let headBytes = 4096

    package init(longest: Int) { self.longest = longest }

    package mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if start > 0 {
            pending.removeSubrange(..<start)
            start = 0
        }
        pending.append(contentsOf: bytes)
    }

    /// The next whole line; nil when there is none yet.
    package mutating func next() -> Item? {
        while true {
            guard let end = newline() else {
                searched = pending.count - start
                if isSkipping {
                    dropPending()
                    return nil
                }
                guard searched > longest else { return nil }
                let head = Array(pending[start..<start + min(Self.headBytes, searched)])
                isSkipping = true
                dropPending()
                return .tooLong(head: head)
            }
            let from = start
            start = end + 1
            searched = 0
            if isSkipping {
                isSkipping = false
                continue
            }
            if end - from > longest { return .tooLong(head: Array(pending[from..<from + min(Self.headBytes, end - from)])) }
            if pending[from..<end].allSatisfy(Self.isBlank) { continue }
            return .line(Array(pending[from..<end]))
        }
    }

    /// Whether the stream, had it ended here, would have ended inside of a line.
    package var hasRest: Bool { isSkipping || pending[start...].contains { !Self.isBlank($0) } }

    private mutating func dropPending() {
        pending.removeAll(keepingCapacity: pending.capacity <= 1 << 20)
        start = 0
        searched = 0
    }

    private func newline() -> Int? {
        pending.withUnsafeBytes { raw in
            let from = start + searched
            guard from < raw.count, let base = raw.baseAddress, let found = memchr(base + from, 0x0A, raw.count - from) else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
}
