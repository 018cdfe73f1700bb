internal import Glibc
internal import LinuxPrimitives

/// What the tool reads on standard input, fed without waiting: a tool that never reads must not stop its supervisor.
struct InputStream: ~Copyable {
    private var target: OwnedDescriptor?
    private var waiting: ArraySlice<UInt8>
    /// The caller's terminal, read as the tool takes its input; -1 when all bytes are known.
    private let relayed: Int32

    /// A closed stream: nothing to feed.
    init() {
        target = nil
        waiting = []
        relayed = -1
    }

    init(target: consuming OwnedDescriptor, bytes: [UInt8]) {
        let owner = consume target
        if bytes.isEmpty { self.target = nil } else { self.target = consume owner }
        waiting = bytes[...]
        relayed = -1
    }

    init(target: consuming OwnedDescriptor, relaying source: Int32) {
        self.target = consume target
        waiting = []
        relayed = source
    }

    var pollEntry: pollfd? {
        guard let number = target.number else { return nil }
        if waiting.isEmpty, relayed >= 0 { return pollfd(fd: relayed, events: Int16(POLLIN), revents: 0) }
        return pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
    }

    mutating func advance(_ buffer: UnsafeMutableRawBufferPointer) {
        guard let number = target.number else { return }
        if waiting.isEmpty, relayed >= 0 {
            guard
                let count = try? Transfer.read(relayed, into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, 4096)])),
                count > 0
            else { return drop() }
            waiting = Array(buffer[..<count])[...]
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
        if relayed < 0 { drop() } // all given: the tool sees the end
    }

    mutating func drop() {
        target = nil
        waiting = []
    }
}
