internal import Glibc
internal import LinuxPrimitives

/// What the tool reads on standard input, fed without waiting: a tool that never reads must not stop its supervisor.
struct InputStream: ~Copyable {
    private var target: OwnedDescriptor?
    private var waiting: ArraySlice<UInt8>
    /// The caller's descriptor, read as the tool takes its input; nil when all bytes are known.
    private let relayed: NonBlockingReader?

    /// A closed stream: nothing to feed.
    init() {
        target = nil
        waiting = []
        relayed = nil
    }

    init(target: consuming OwnedDescriptor, bytes: [UInt8]) {
        let owner = consume target
        if bytes.isEmpty { self.target = nil } else { self.target = consume owner }
        waiting = bytes[...]
        relayed = nil
    }

    init(target: consuming OwnedDescriptor, relaying source: Int32) {
        self.target = consume target
        waiting = []
        relayed = NonBlockingReader(source)
    }

    var pollEntry: pollfd? {
        guard let number = target.number else { return nil }
        if waiting.isEmpty, let entry = relayedEntry { return entry }
        return pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
    }

    mutating func advance(_ buffer: UnsafeMutableRawBufferPointer) {
        guard let number = target.number else { return }
        if waiting.isEmpty, relayedEntry != nil {
            switch readRelayed(UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, 4096)])) {
            case .bytes(let count): waiting = Array(buffer[..<count])[...]
            case .nothing: return
            case .end: return drop()
            }
        }
        while !waiting.isEmpty {
            do throws(SystemError) {
                let piece = Array(waiting.prefix(64 << 10))
                let written = try piece.withUnsafeBufferPointer { (bytes) throws(SystemError) in
                    try Transfer.write(number, from: UnsafeRawBufferPointer(bytes))
                }
                waiting = waiting.dropFirst(written)
            } catch {
                if !error.isWouldBlock { drop() } // the tool has closed its end
                return
            }
        }
        if relayedEntry == nil { drop() } // all given: the tool sees the end
    }

    private var relayedEntry: pollfd? {
        switch relayed {
        case .some(let source): source.pollEntry
        case nil: nil
        }
    }

    private func readRelayed(_ buffer: UnsafeMutableRawBufferPointer) -> Transfer.Available {
        switch relayed {
        case .some(let source): (try? source.read(into: buffer)) ?? .end
        case nil: .end
        }
    }

    mutating func drop() {
        target = nil
        waiting = []
    }
}
