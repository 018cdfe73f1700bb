internal import LinuxPrimitives
internal import StrictJSON
internal import Synchronization

/// Tells a client how a call goes on, for as long as it does: seconds since it was received, which only ever increase. How much is still
/// to come nobody knows, so no total is given.
final class ProgressReporter: Sendable {
    private struct State {
        var last = 0.0
        var lastSaid: UInt64 = 0
        var isDecided = false
        var isOver = false
    }

    /// Nanoseconds between two things that a tool says of itself; what it says faster than that is left out.
    private static let pause: UInt64 = 50_000_000

    private let token: JSONValue
    private let hasMessages: Bool
    private let begin = MonotonicClock.now()
    private let send: @Sendable (JSONValue) -> Void
    private let state = Mutex(State())

    init(token: JSONValue, revision: ProtocolRevision, send: @escaping @Sendable (JSONValue) -> Void) {
        self.token = token
        hasMessages = revision.hasProgressMessages
        self.send = send
    }

    func tell(_ progress: CallProgress) {
        state.withLock { state in
            switch progress {
            case .decided:
                state.isDecided = true
                tell("allowed; the tool starts", &state)
            case .said(let text):
                let now = MonotonicClock.now()
                guard now &- state.lastSaid >= Self.pause else { return }
                state.lastSaid = now
                tell(String(text.prefix(512)), &state)
            }
        }
    }

    func tick() {
        state.withLock { state in
            let seconds = (MonotonicClock.now() &- begin) / 1_000_000_000
            tell(state.isDecided ? "running for \(seconds) s" : "not decided after \(seconds) s", &state)
        }
    }

    /// Nothing is told after this returns.
    func finish() { state.withLock { $0.isOver = true } }

    /// With the lock held: what is told stands in the order of its numbers.
    private func tell(_ message: String, _ state: inout State) {
        if state.isOver { return }
        let milliseconds = Double((MonotonicClock.now() &- begin) / 1_000_000)
        state.last = max(milliseconds, state.last + 1)
        var params = [JSONMember("progressToken", token), JSONMember("progress", .double(state.last / 1000))]
        if hasMessages { params.append(JSONMember("message", .string(message))) }
        send(ServerMessage.notification("notifications/progress", .object(params)))
    }
}
