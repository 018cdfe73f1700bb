internal import CommandOutput
internal import Glibc
internal import LinuxPrimitives
internal import Synchronization

/// Signals that ask the program to stop, turned into the cancellation of its one task: tools are dead and their records closed
/// before the program ends. A second signal ends it at once, which the store survives.
final class Interruption: Sendable {
    private struct State {
        var code: Int32?
        var signal: Int32?
    }

    private let state = Mutex(State())
    private let finished: EventDescriptor
    private let cancelled: EventDescriptor

    private init() throws(SystemError) {
        finished = try EventDescriptor()
        cancelled = try EventDescriptor()
    }

    /// Readable as soon as the program was asked to stop, for those who poll.
    var descriptor: Int32 { cancelled.rawValue }
    var isRaised: Bool { state.withLock { $0.signal != nil } }

    /// Call from the main thread before there are others: they inherit the mask, so that nothing runs in a handler.
    static func run(_ body: @escaping @Sendable (Interruption) async -> Int32) throws(SystemError) -> Int32 {
        let numbers = [SIGINT, SIGTERM, SIGHUP, SIGQUIT].filter { !isIgnored($0) }
        let signals = try SignalDescriptor.open(numbers)
        let interruption = try Interruption()
        let task = Task.detached {
            let code = await body(interruption)
            interruption.state.withLock { $0.code = code }
            try? interruption.finished.signal()
        }
        while true {
            var entries = [
                pollfd(fd: interruption.finished.rawValue, events: Int16(POLLIN), revents: 0),
                pollfd(fd: signals.rawValue, events: Int16(POLLIN), revents: 0),
            ]
            _ = try Polling.wait(&entries, deadline: nil)
            let (code, earlier) = interruption.state.withLock { ($0.code, $0.signal) }
            if let code { return earlier.map { 128 + $0 } ?? code }
            guard let number = SignalDescriptor.take(signals.rawValue) else { continue }
            if let earlier { return 128 + earlier }
            interruption.state.withLock { $0.signal = number }
            try? interruption.cancelled.signal()
            task.cancel()
            Console.note("glovebox: stopping; once more ends it at once")
        }
    }

    /// `nohup` and background jobs of a shell ignore signals for us; a blocked one would arrive all the same.
    private static func isIgnored(_ number: Int32) -> Bool {
        var action = sigaction()
        guard sigaction(number, nil, &action) == 0 else { return false }
        return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1 // SIG_IGN
    }
}
