internal import Glibc
package import LibOSModel
package import LinuxPrimitives
package import SandboxLauncher
package import StrictJSON
internal import Synchronization

/// The supervisor's side of one call's channel: reads frames, has libOS calls answered one after the other, and ends with the result or
/// with the rule that the worker broke. It talks on a thread of its own (`run`) or on that of the tool's run (`ChannelTalk`).
package final class ChannelSession: Sendable {
    /// The end of a session.
    package enum End: Sendable, Equatable {
        case result(ToolOutput)
        case failure(ToolFailure)
        case violation(ProtocolViolation)
    }

    package struct Opening: Sendable {
        package var tool: String
        package var call: ToolCallID
        package var arguments: JSONValue
        /// What is handed over with the call, by name. Kept open until the session ends.
        package var descriptors: [(name: String, number: Int32)]

        package init(tool: String, call: ToolCallID, arguments: JSONValue, descriptors: [(name: String, number: Int32)] = []) {
            self.tool = tool
            self.call = call
            self.arguments = arguments
            self.descriptors = descriptors
        }
    }

    /// Answers a libOS call on behalf of this call's process.
    package typealias Handler = @Sendable (Syscall) async throws(LibOSError) -> JSONValue
    package typealias ProgressHandler = @Sendable (_ message: String, _ fraction: Double?) -> Void

    /// For the run: its descriptor 3.
    package let toolEnd: ToolChannel
    private let socket: OwnedDescriptor
    private let shared: Shared
    private let opening: Opening
    private let limits: ChannelLimits
    private let handler: Handler
    private let progress: ProgressHandler

    /// What other threads tell the session's.
    private final class Shared: Sendable {
        struct State {
            /// Set once the program runs: its pid, or nil when it has ended already.
            var start: Int32??
            var answer: Result<JSONValue, LibOSError>?
            /// The libOS call that is under way, or was the last.
            var task: Task<Void, Never>?
        }
        let state = Mutex(State())
        let wake: Wake
        init(wake: Wake) { self.wake = wake }
    }

    /// An event that closures may hold.
    private final class Wake: Sendable {
        let event: EventDescriptor
        init() throws(SystemError) { event = try EventDescriptor() }
        func signal() { try? event.signal() }
    }

    package init(
        _ opening: Opening, limits: ChannelLimits = .standard, handler: @escaping Handler,
        progress: @escaping ProgressHandler = { _, _ in }
    ) throws(SystemError) {
        var pair = try SocketPair.stream()
        socket = pair.takeFirst()
        try socket.setNonBlocking(true)
        // Before the tool exists: every byte that it ever writes carries its writer's name.
        try AttributedStream.enable(on: socket.rawValue)
        let wake = try Wake()
        let shared = Shared(wake: wake)
        self.shared = shared
        self.opening = opening
        self.limits = limits
        self.handler = handler
        self.progress = progress
        toolEnd = ToolChannel(end: pair.takeSecond()) { pid in
            shared.state.withLock { $0.start = .some(pid) }
            wake.signal()
        }
    }

    /// Talks until the end, on the calling thread. Ends when the tool's end of the channel is closed everywhere, so it never waits
    /// longer than the run lives.
    package func run() -> End {
        var talk = Talk(session: self)
        do throws(ProtocolViolation) {
            return try talk.run()
        } catch {
            return .violation(error)
        }
    }

    /// A libOS call that is under way has nobody to hear its answer any more.
    fileprivate func cutOff() { shared.state.withLock { $0.task }?.cancel() }

    /// Returns when the libOS call that the end of the session cut off has ended too: what it did is done then, and nothing comes after.
    package func lastCallEnded() async { await shared.state.withLock { $0.task }?.value }

    /// The thread's own state.
    fileprivate struct Talk {
        let session: ChannelSession
        var conversation: ChannelConversation
        var reader: FrameReader
        /// Bytes to the worker that it has not taken yet, and the descriptors that go with the first of them.
        var outgoing: [UInt8] = []
        var passing: [Int32] = []
        var writer: Int32?
        var hasStarted = false
        var waitsForAnswer: JSONValue?
        var buffer = [UInt8](repeating: 0, count: 64 << 10)

        init(session: ChannelSession) {
            self.session = session
            let nonce = String(UInt64.random(in: .min ... .max), radix: 16) + String(UInt64.random(in: .min ... .max), radix: 16)
            conversation = ChannelConversation(nonce: nonce, limits: session.limits)
            reader = FrameReader(session.limits)
        }

        mutating func run() throws(ProtocolViolation) -> End {
            defer { session.cutOff() }
            while true {
                wait()
                if let end = try round() { return end }
            }
        }

        /// Everything that can be done without waiting.
        mutating func round() throws(ProtocolViolation) -> End? {
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
        private var takesFrames: Bool { waitsForAnswer == nil && outgoing.count <= session.limits.frameBytes }

        func wait() {
            var entries = pollEntries
            _ = try? Polling.wait(&entries, deadline: nil)
        }

        var pollEntries: [pollfd] {
            var events = Int16(0)
            if takesFrames { events |= Int16(POLLIN) }
            if !outgoing.isEmpty { events |= Int16(POLLOUT) }
            return [
                pollfd(fd: session.socket.rawValue, events: events, revents: 0),
                pollfd(fd: session.shared.wake.event.rawValue, events: Int16(POLLIN), revents: 0),
            ]
        }

        private mutating func takeNews() {
            _ = try? session.shared.wake.event.drain()
            let (start, answer) = session.shared.state.withLock { state in
                defer { (state.start, state.answer) = (nil, nil) }
                return (state.start, state.answer)
            }
            if let start { writer = start } // also the second time: the call was launched anew
            if start != nil, !hasStarted {
                hasStarted = true
                let opening = session.opening
                outgoing += conversation.opening(
                    tool: opening.tool, call: opening.call, arguments: opening.arguments, descriptors: opening.descriptors.map(\.name))
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
                        try AttributedStream.read(session.socket.rawValue, into: UnsafeMutableRawBufferPointer(room))
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
            var entries = [pollfd(fd: session.socket.rawValue, events: 0, revents: 0)]
            _ = try? Polling.wait(&entries, deadline: 0)
            return entries[0].revents & Int16(POLLHUP | POLLERR) != 0
        }

        private mutating func drainFrames() throws(ProtocolViolation) -> End? {
            while takesFrames, let frame = try reader.next() {
                switch try conversation.receive(frame) {
                case .syscall(let id, let syscall): perform(syscall, id)
                case .progress(let message, let fraction): session.progress(message, fraction)
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
                try AttributedStream.read(session.socket.rawValue, into: UnsafeMutableRawBufferPointer(room))
            }
            if case .bytes = piece { throw violation }
        }

        private mutating func perform(_ syscall: Syscall, _ id: JSONValue) {
            waitsForAnswer = id
            let (handler, shared) = (session.handler, session.shared)
            let task = Task {
                let answer: Result<JSONValue, LibOSError>
                do throws(LibOSError) {
                    answer = .success(try await handler(syscall))
                } catch {
                    answer = .failure(error)
                }
                shared.state.withLock { $0.answer = answer }
                shared.wake.signal()
            }
            shared.state.withLock { $0.task = task }
        }

        private mutating func flush() {
            while !outgoing.isEmpty {
                let taken: Int
                do throws(SystemError) {
                    taken = try outgoing.withUnsafeBufferPointer { (bytes) throws(SystemError) in
                        try AttributedStream.write(session.socket.rawValue, UnsafeRawBufferPointer(bytes), descriptors: passing)
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
}

/// A session's talk in rounds, for a thread that waits for more than this one channel.
final class ChannelTalk: RunConversation {
    private struct State {
        var talk: ChannelSession.Talk
        var end: ChannelSession.End?
    }

    private let session: ChannelSession
    private let state: Mutex<State>

    init(_ session: ChannelSession) {
        self.session = session
        state = Mutex(State(talk: ChannelSession.Talk(session: session)))
    }

    var pollEntries: [pollfd] { state.withLock { $0.end == nil ? $0.talk.pollEntries : [] } }

    func advance() -> RunConversationTurn {
        state.withLock { state in
            guard Self.advance(&state), let end = state.end else { return .goesOn }
            if end.isEndOfStream { return .hungUp }
            if case .violation = end { return .broken }
            return .concluded
        }
    }

    /// What came of it, once the tool and all other holders of its end are gone: a talk that had no end yet has one now.
    func finish() -> ChannelSession.End {
        session.toolEnd.close()
        return state.withLock { state in
            while !Self.advance(&state) { state.talk.wait() }
            session.cutOff()
            return state.end ?? .violation(ProtocolViolation(.earlyExit, "the worker ended without a result"))
        }
    }

    private static func advance(_ state: inout State) -> Bool {
        if state.end != nil { return true }
        do throws(ProtocolViolation) {
            state.end = try state.talk.round()
        } catch {
            state.end = .violation(error)
        }
        return state.end != nil
    }
}
