internal import CLinuxShims
internal import Glibc
internal import LinuxPrimitives

/// One output stream of a run: read from the tool's pipe without waiting, counted, and kept or passed on.
struct OutputStream: ~Copyable {
    enum Sink {
        /// Head and tail of `keep` bytes in all.
        case capture(keep: Int)
        case forward(to: Int32, clean: Bool)
        /// As `forward`, but a caller that does not take it is not waited for while the tool lives.
        case log(to: Int32, clean: Bool)
    }

    private var source: OwnedDescriptor?
    private var kept: OutputCapture
    private var forwarder: OutputForwarder?
    private let limit: UInt64
    private(set) var total: UInt64 = 0
    /// Bytes that are still to be read once the tree has ended; nil while it lives.
    private var remaining: Int?

    /// A server's burst of words, for a client that is slower than it.
    private static let logRoom = 1 << 20

    init(source: consuming OwnedDescriptor, sink: Sink, limit: UInt64) {
        self.source = consume source
        self.limit = limit
        switch sink {
        case .capture(let keep):
            kept = OutputCapture(keep: keep)
            forwarder = nil
        case .forward(let number, let clean):
            kept = OutputCapture(keep: 0)
            forwarder = OutputForwarder(to: number, clean: clean)
        case .log(let number, let clean):
            kept = OutputCapture(keep: 0)
            forwarder = OutputForwarder(to: number, clean: clean, room: Self.logRoom)
        }
    }

    /// A stream that does not exist: nothing to read, nothing kept.
    static func closed() -> OutputStream { OutputStream() }

    private init() {
        source = nil
        kept = OutputCapture(keep: 0)
        forwarder = nil
        limit = .max
    }

    var isOpen: Bool { source.number != nil }
    var isOverLimit: Bool { total > limit }

    /// The caller's descriptor has not taken everything yet; meanwhile the tool's pipe is not read.
    var hasWaiting: Bool {
        switch forwarder {
        case .some(let forwarder): forwarder.hasWaiting
        case nil: false
        }
    }

    /// What to poll for: the pipe while there is room, the caller's descriptor while there are waiting bytes.
    var pollEntry: pollfd? {
        if hasWaiting, let entry = forwarderEntry { return entry }
        guard let number = source.number else { return nil }
        return pollfd(fd: number, events: Int16(POLLIN), revents: 0)
    }

    /// What a log waits for besides: it is read whether the caller takes it or not.
    var logEntry: pollfd? { hasWaiting ? nil : forwarderEntry }

    /// Does what `pollEntry` or `logEntry` was ready for. `buffer` is scratch space shared by the streams of a run.
    mutating func advance(_ buffer: UnsafeMutableRawBufferPointer) {
        if hasWaiting {
            forwarder?.advance()
            if isGone { source = nil } // the tool learns it from its own pipe
            return
        }
        forwarder?.advance()
        guard let number = source.number else { return }
        let room = remaining.map { UnsafeMutableRawBufferPointer(rebasing: buffer[..<min($0, buffer.count)]) } ?? buffer
        switch try? Transfer.readAvailable(number, into: room) {
        case .bytes(let count):
            take(UnsafeRawBufferPointer(rebasing: room[..<count]))
            if let left = remaining {
                remaining = left - count
                if left == count { end() }
            }
        case .nothing: if remaining != nil { end() }
        case .end, nil: end()
        }
    }

    /// The tool and everything it started have ended: what its pipe holds now is the last of it. A copy of the tool's end may
    /// have gone to somebody else, so the pipe's own end is not waited for.
    mutating func treeEnded() {
        guard let number = source.number else { return }
        let left = Int(max(0, gbx_readable_bytes(number)))
        remaining = left
        if left == 0 { end() }
    }

    private var forwarderEntry: pollfd? {
        switch forwarder {
        case .some(let forwarder): forwarder.pollEntry
        case nil: nil
        }
    }

    private var isGone: Bool {
        switch forwarder {
        case .some(let forwarder): forwarder.isGone
        case nil: false
        }
    }

    private mutating func end() {
        source = nil
        forwarder?.finish()
    }

    /// No more from this pipe, and nothing more to the caller.
    mutating func drop() {
        source = nil
        forwarder = nil
    }

    private mutating func take(_ bytes: UnsafeRawBufferPointer) {
        let allowed = total >= limit ? 0 : Int(min(UInt64(bytes.count), limit - total))
        total += UInt64(bytes.count)
        kept.add(bytes)
        forwarder?.add(UnsafeRawBufferPointer(rebasing: bytes[..<allowed]))
        if isGone { source = nil }
    }

    /// The captured head and tail; complete once the stream has ended.
    func result() -> CapturedOutput { kept.result(totalBytes: total) }
}
