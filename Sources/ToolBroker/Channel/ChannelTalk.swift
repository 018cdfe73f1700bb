internal import Glibc
internal import LibOSModel
internal import LinuxPrimitives
internal import StrictJSON
internal import Synchronization

/// What else somebody who talks on a channel looks at while he waits. Used on the talk's thread alone.
protocol TalkCompanion: AnyObject {
    /// Polled beside the channel.
    var entries: [pollfd] { get }
    /// Of `MonotonicClock`.
    var deadline: UInt64? { get }
    /// After each wait. True: the talk is over.
    func look() -> Bool
}

/// One call on a channel, from its opening to its result: reads frames and has libOS calls answered one after the other. On a thread of
/// its own (`run`), or in rounds on one that waits for more (`HostedTalk`).
struct ChannelTalk {
    private let line: ChannelLine
    private let opening: ChannelSession.Opening
    private let limits: ChannelLimits
    private let handler: ChannelSession.Handler
    private let progress: ChannelSession.ProgressHandler
    private let companion: (any TalkCompanion)?
    private var conversation: ChannelConversation
    private var reader: FrameReader
    /// Bytes to the worker that it has not taken yet, and the descriptors that go with the first of them.
    private var outgoing: [UInt8] = []
    private var passing: [Int32] = []
    private var writer: Int32?
    private var hasStarted = false
    private var waitsForAnswer: JSONValue?
    private var buffer = [UInt8](repeating: 0, count: 64 << 10)

    init(
        _ line: ChannelLine, _ opening: ChannelSession.Opening, limits: ChannelLimits, handler: @escaping ChannelSession.Handler,
        progress: @escaping ChannelSession.ProgressHandler, companion: (any TalkCompanion)? = nil
    ) {
        self.line = line
        self.opening = opening
        self.limits = limits
        self.handler = handler
        self.progress = progress
        self.companion = companion
        let nonce = String(UInt64.random(in: .min ... .max), radix: 16) + String(UInt64.random(in: .min ... .max), radix: 16)
        conversation = ChannelConversation(nonce: nonce, limits: limits)
        reader = FrameReader(limits)
    }

    /// The end of the call; nil when the companion stopped it.
    mutating func run() throws(ProtocolViolation) -> ChannelSession.End? {
        defer { line.news.cutOff() }
        while true {
            wait()
            if companion?.look() == true { return nil }
            if let end = try round() { return end }
        }
    }

    /// Everything that can be done without waiting.
    mutating func round() throws(ProtocolViolation) -> ChannelSession.End? {
        takeNews()
        if let end = try drainFrames() { return end }
        let isAtEnd = try read()
        if let end = try drainFrames() { return end }
        // Nobody hears the answer of a libOS call that is under way when its caller dies: it is cancelled.
        if isAtEnd { throw ending }
        flush()
        // Frames that waited for room are there already: no event tells of them.
        return try drainFrames()
    }

    /// Whether frames are taken now. Not while an answer is awaited, nor while answers that the worker does not read pile up: a
    /// worker that goes on writing fills its own socket and waits.
    private var takesFrames: Bool { waitsForAnswer == nil && outgoing.count <= limits.frameBytes }

    func wait() {
        var entries = pollEntries
        if let companion { entries += companion.entries }
        _ = try? Polling.wait(&entries, deadline: companion?.deadline)
    }

    var pollEntries: [pollfd] {
        var events = Int16(0)
        if takesFrames { events |= Int16(POLLIN) }
        if !outgoing.isEmpty { events |= Int16(POLLOUT) }
        return [
            pollfd(fd: line.socket.rawValue, events: events, revents: 0),
            pollfd(fd: line.news.event.rawValue, events: Int16(POLLIN), revents: 0),
        ]
    }

    private mutating func takeNews() {
        let (start, answer) = line.news.take()
        if let start { writer = start } // also the second time: the call was launched anew
        if start != nil, !hasStarted {
            hasStarted = true
            outgoing += conversation.opening(
                tool: opening.tool, call: opening.call, arguments: opening.arguments, descriptors: opening.descriptors.map(\.name),
                place: opening.place)
            passing = opening.descriptors.map(\.number)
        }
        if let answer, let id = waitsForAnswer {
            waitsForAnswer = nil
            switch answer {
            case .success(let value): outgoing += conversation.answer(value, to: id)
            case .failure(let error): outgoing += conversation.answer(error, to: id)
            }
        }
        flush()
    }

    /// True at the end of the stream.
    private mutating func read() throws(ProtocolViolation) -> Bool {
        while takesFrames {
            let piece: AttributedStream.Piece
            do throws(SystemError) {
                piece = try buffer.withUnsafeMutableBufferPointer { (room) throws(SystemError) in
                    try AttributedStream.read(line.socket.rawValue, into: UnsafeMutableRawBufferPointer(room))
                }
            } catch {
                return true
            }
            switch piece {
            case .end: return true
            case .nothing: return false
            case .bytes(let count, let author, let dropped):
                if dropped { throw ProtocolViolation(.passedDescriptor, "the worker tried to hand a descriptor to the supervisor") }
                guard author != 0, author == writer else {
                    throw ProtocolViolation(
                        .foreignWriter, "another process than the tool's first one wrote to the channel; only that one may speak")
                }
                try reader.append(buffer[..<count])
                if reader.hasRest { return false }
            }
        }
        // Who has gone without reading its answers is found out by writing them.
        return waitsForAnswer != nil && isHungUp
    }

    /// Whether everybody who could write has gone while an answer is awaited.
    private var isHungUp: Bool {
        var entries = [pollfd(fd: line.socket.rawValue, events: 0, revents: 0)]
        _ = try? Polling.wait(&entries, deadline: 0)
        return entries[0].revents & Int16(POLLHUP | POLLERR) != 0
    }

    private mutating func drainFrames() throws(ProtocolViolation) -> ChannelSession.End? {
        while takesFrames, let frame = try reader.next() {
            switch try conversation.receive(frame) {
            case .syscall(let id, let syscall): perform(syscall, id)
            case .progress(let message, let fraction): progress(message, fraction)
            case .result(let output):
                try refuseMore()
                return .result(output)
            case .failure(let failure):
                try refuseMore()
                return .failure(failure)
            }
        }
        return nil
    }

    /// The result is the last word: what is there behind it breaks it, and what would come is never read.
    private mutating func refuseMore() throws(ProtocolViolation) {
        let violation = ProtocolViolation(.dataAfterResult, "the worker went on after its result")
        if reader.hasRest { throw violation }
        let piece = try? buffer.withUnsafeMutableBufferPointer { (room) throws(SystemError) in
            try AttributedStream.read(line.socket.rawValue, into: UnsafeMutableRawBufferPointer(room))
        }
        if case .bytes = piece { throw violation }
    }

    private mutating func perform(_ syscall: Syscall, _ id: JSONValue) {
        waitsForAnswer = id
        let (handler, news) = (handler, line.news)
        let task = Task {
            let answer: Result<JSONValue, LibOSError>
            do throws(LibOSError) {
                answer = .success(try await handler(syscall))
            } catch {
                answer = .failure(error)
            }
            news.answered(answer)
        }
        news.state.withLock { $0.task = task }
    }

    private mutating func flush() {
        while !outgoing.isEmpty {
            let taken: Int
            do throws(SystemError) {
                taken = try outgoing.withUnsafeBufferPointer { (bytes) throws(SystemError) in
                    try AttributedStream.write(line.socket.rawValue, UnsafeRawBufferPointer(bytes), descriptors: passing)
                }
            } catch {
                // Full: later. Gone: reading says so.
                if !error.isWouldBlock { outgoing = [] }
                return
            }
            passing = []
            outgoing.removeFirst(taken)
        }
    }

    private var ending: ProtocolViolation {
        if reader.hasRest { return ProtocolViolation(.partialFrame, "the worker ended in the middle of a frame") }
        return ProtocolViolation(.earlyExit, "the worker ended without a result")
    }
}
