internal import LibOSModel
internal import LinuxPrimitives
internal import SandboxLauncher
internal import StrictJSON
internal import Synchronization

/// The supervisor's end of a worker's channel, and what other threads tell the one that talks on it.
final class ChannelLine: Sendable {
    /// For the run: its descriptor 3.
    let toolEnd: ToolChannel
    let socket: OwnedDescriptor
    let news: ChannelNews

    init() throws(SystemError) {
        var pair = try SocketPair.stream()
        socket = pair.takeFirst()
        try socket.setNonBlocking(true)
        // Before the tool exists: every byte that it ever writes carries its writer's name.
        try AttributedStream.enable(on: socket.rawValue)
        let news = try ChannelNews()
        self.news = news
        toolEnd = ToolChannel(end: pair.takeSecond()) { news.started($0) }
    }
}

/// What happened elsewhere: the program runs, a libOS call has its answer, or whoever waits shall look again.
final class ChannelNews: Sendable {
    struct State {
        /// Set once the program runs: its pid, or nil when it has ended already.
        var start: Int32??
        var answer: Result<JSONValue, LibOSError>?
        /// The libOS call that is under way, or was the last.
        var task: Task<Void, Never>?
    }

    let state = Mutex(State())
    let event: EventDescriptor

    init() throws(SystemError) { event = try EventDescriptor() }

    func wake() { try? event.signal() }

    fileprivate func started(_ pid: Int32?) {
        state.withLock { $0.start = .some(pid) }
        wake()
    }

    func answered(_ answer: Result<JSONValue, LibOSError>) {
        state.withLock { $0.answer = answer }
        wake()
    }

    /// The start, and an answer that nobody has taken yet.
    func take() -> (start: Int32??, answer: Result<JSONValue, LibOSError>?) {
        _ = try? event.drain()
        return state.withLock { state in
            defer { state.answer = nil }
            return (state.start, state.answer)
        }
    }

    /// A libOS call that is under way has nobody to hear its answer any more.
    func cutOff() { state.withLock { $0.task }?.cancel() }

    /// Returns when the libOS call that the end of the talk cut off has ended too: what it did is done then, and nothing comes after.
    func lastCallEnded() async { await state.withLock { $0.task }?.value }
}
