internal import Glibc
internal import LinuxPrimitives

/// Passes a tool's bytes on to a descriptor of the caller's, as fast as that takes them and never faster. With `room` the tool does not
/// wait for that: what finds no room is left out.
struct OutputForwarder: ~Copyable {
    private var writer: NonBlockingWriter
    private var cleaner: TerminalText?
    /// Bytes that the caller's descriptor has not taken yet.
    private var waiting: ArraySlice<UInt8> = []
    private let room: Int?
    private var leftOut: UInt64 = 0
    private var isFinishing = false
    /// Readable once the last bytes have arrived.
    private var ending: pollfd?
    private var hasAskedForEnd = false
    /// Nobody reads any more.
    private(set) var isGone = false

    /// - Parameters:
    ///   - number: borrowed for the run.
    ///   - room: bytes that are kept for a caller that does not take them; nil: the tool waits for it.
    init(to number: Int32, clean: Bool, room: Int? = nil) {
        self.room = room
        writer = NonBlockingWriter(number)
        cleaner = clean ? TerminalText() : nil
    }

    /// While there are waiting bytes no more should be added.
    var hasWaiting: Bool { (room == nil || isFinishing) && (!waiting.isEmpty || ending != nil) }

    /// What to poll for before `advance`; nil when nothing waits.
    var pollEntry: pollfd? { waiting.isEmpty ? ending : writer.pollEntry }

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        if let room, leftOut > 0 || waiting.count + bytes.count > room {
            leftOut += UInt64(bytes.count)
        } else {
            waiting += cleaner?.clean(bytes) ?? Array(bytes)
        }
        advance()
    }

    /// No more comes.
    mutating func finish() {
        isFinishing = true
        waiting += cleaner?.finish() ?? []
        advance()
    }

    /// Writes what is taken now.
    mutating func advance() {
        if let entry = ending, (try? Polling.wait(entry.fd, for: .readable, deadline: 0)) != false { ending = nil }
        while true {
            if waiting.isEmpty, leftOut > 0 {
                waiting = Array("\nglovebox: \(leftOut) bytes were left out here, because nobody read them\n".utf8)[...]
                leftOut = 0
            }
            if waiting.isEmpty { break }
            switch waiting.withUnsafeBytes({ writer.write($0) }) {
            case .bytes(let count): waiting = waiting.dropFirst(count)
            case .nothing: return
            case .gone:
                (waiting, leftOut) = ([], 0)
                isGone = true
            }
        }
        if isFinishing, !hasAskedForEnd, !isGone {
            hasAskedForEnd = true
            ending = writer.finish()
        }
    }
}
