internal import Glibc
internal import LinuxPrimitives

/// One output stream of a run: read from the tool's pipe without waiting, counted, and kept or passed on.
struct OutputStream: ~Copyable {
    enum Sink {
        /// Head and tail of `keep` bytes in all.
        case capture(keep: Int)
        case forward(to: Int32, clean: Bool)
    }

    private(set) var source: OwnedDescriptor?
    private let sink: Sink
    private let limit: UInt64
    private(set) var captured = CapturedOutput()
    private(set) var total: UInt64 = 0
    private var tail: [UInt8] = []
    private var tailStart = 0
    /// Bytes that the caller's descriptor has not taken yet; while there are any, the tool's pipe is not read.
    private var waiting: ArraySlice<UInt8> = []
    private var cleaner = TerminalText()
    private var sinkIsRegular = false

    init(source: consuming OwnedDescriptor, sink: Sink, limit: UInt64) {
        self.source = consume source
        self.sink = sink
        self.limit = limit
        if case .forward(let number, _) = sink { sinkIsRegular = (try? FileIdentity.of(number))?.isRegularFile ?? false }
    }

    /// A stream that does not exist: nothing to read, nothing kept.
    static func closed() -> OutputStream { OutputStream() }

    private init() {
        source = nil
        sink = .capture(keep: 0)
        limit = .max
    }

    var isOpen: Bool { source.number != nil }
    var hasWaiting: Bool { !waiting.isEmpty }
    var isOverLimit: Bool { total > limit }

    /// What to poll for: the pipe while there is room, the caller's descriptor while there are waiting bytes.
    var pollEntry: pollfd? {
        if !waiting.isEmpty, case .forward(let number, _) = sink { return pollfd(fd: number, events: Int16(POLLOUT), revents: 0) }
        guard let number = source.number else { return nil }
        return pollfd(fd: number, events: Int16(POLLIN), revents: 0)
    }

    /// Does what `pollEntry` was ready for. `buffer` is scratch space shared by the streams of a run.
    mutating func advance(_ buffer: UnsafeMutableRawBufferPointer) {
        if !waiting.isEmpty {
            passOn()
            return
        }
        guard let number = source.number else { return }
        switch try? Transfer.readAvailable(number, into: buffer) {
        case .bytes(let count): take(UnsafeRawBufferPointer(buffer)[..<count])
        case .nothing: break
        case .end, nil: end()
        }
    }

    private mutating func end() {
        source = nil
        if case .forward(_, true) = sink {
            waiting += cleaner.finish()
            passOn()
        }
    }

    /// No more from this pipe: the tool is dead and what it left was read, or nobody wants it.
    mutating func drop() {
        source = nil
        waiting = []
    }

    private mutating func take(_ bytes: Slice<UnsafeRawBufferPointer>) {
        let allowed = total >= limit ? 0 : Int(min(UInt64(bytes.count), limit - total))
        total += UInt64(bytes.count)
        captured.totalBytes = total
        switch sink {
        case .capture(let keep): keepBytes(bytes, headRoom: keep / 2 - captured.head.count, tailRoom: keep - keep / 2)
        case .forward(_, let clean):
            let part = UnsafeRawBufferPointer(rebasing: bytes[bytes.startIndex..<(bytes.startIndex + allowed)])
            waiting = clean ? cleaner.clean(part)[...] : Array(part)[...]
            passOn()
        }
    }

    private mutating func keepBytes(_ bytes: Slice<UnsafeRawBufferPointer>, headRoom: Int, tailRoom: Int) {
        let head = min(max(headRoom, 0), bytes.count)
        captured.head += bytes.prefix(head)
        let rest = bytes.dropFirst(head)
        guard !rest.isEmpty, tailRoom > 0 else { return }
        if tail.count < tailRoom, tail.count + rest.count <= tailRoom {
            tail += rest
            return
        }
        // A ring of tailRoom bytes: the newest overwrite the oldest.
        for byte in rest.suffix(tailRoom) {
            if tail.count < tailRoom {
                tail.append(byte)
            } else {
                tail[tailStart] = byte
                tailStart = (tailStart + 1) % tailRoom
            }
        }
    }

    /// The captured head and tail; complete once the stream has ended.
    func result() -> CapturedOutput {
        var output = captured
        output.tail = Array(tail[tailStart...] + tail[..<tailStart])
        return output
    }

    /// Writes what the caller's descriptor surely takes without waiting. That descriptor is shared with others, so it is not
    /// made non-blocking; PIPE_BUF bytes fit wherever poll says POLLOUT.
    private mutating func passOn() {
        guard case .forward(let number, _) = sink else { return }
        while !waiting.isEmpty {
            if !sinkIsRegular {
                var entry = [pollfd(fd: number, events: Int16(POLLOUT), revents: 0)]
                guard let ready = try? Polling.wait(&entry, timeoutMilliseconds: 0), ready > 0 else { return }
                if entry[0].revents & Int16(POLLERR | POLLNVAL) != 0 { return abandon() }
            }
            let piece = sinkIsRegular ? waiting : waiting.prefix(4096)
            let written = piece.withUnsafeBytes { try? Transfer.write(number, from: $0) }
            guard let written else { return abandon() } // nobody reads any more: the tool learns it from its own pipe
            waiting = waiting.dropFirst(written)
        }
    }

    private mutating func abandon() {
        waiting = []
        source = nil
    }
}
