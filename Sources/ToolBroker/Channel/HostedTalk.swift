internal import Glibc
internal import LinuxPrimitives
internal import SandboxLauncher
internal import Synchronization

/// A call's talk in rounds, on the thread of the tool's run.
final class HostedTalk: RunConversation {
    private struct State {
        var talk: ChannelTalk
        var end: ChannelSession.End?
    }

    private let session: ChannelSession
    private let state: Mutex<State>

    init(_ session: ChannelSession) {
        self.session = session
        state = Mutex(State(talk: session.makeTalk()))
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
