internal import Glibc
internal import LinuxPrimitives
internal import Synchronization

/// Notes to somebody who may never read them, from a program that must go on all the same: whoever says something waits for nothing.
///
/// What the descriptor does not take at once is kept as far as there is room, and written by a thread when it is taken; what finds no
/// room is counted.
package final class NoteQueue: Sendable {
    private struct State: ~Copyable {
        var writer: NonBlockingWriter
        var waiting: ArraySlice<UInt8> = []
        /// Notes that found no room.
        var leftOut = 0
        var hasThread = false
        var isOver = false

        /// Writes what is taken now.
        mutating func push() {
            while true {
                if waiting.isEmpty, leftOut > 0 {
                    waiting = Array("glovebox: \(leftOut) notes were left out here, because nobody read them\n".utf8)[...]
                    leftOut = 0
                }
                if waiting.isEmpty { return }
                switch waiting.withUnsafeBytes({ writer.write($0) }) {
                case .bytes(let count): waiting = waiting.dropFirst(count)
                case .nothing: return
                case .gone: (waiting, leftOut) = ([], 0) // a reader that is gone has nothing to be told
                }
            }
        }
    }

    private let state: Mutex<State>
    private let room: Int

    /// - Parameters:
    ///   - descriptor: borrowed for good.
    ///   - room: bytes that are kept; a single note may be longer.
    package init(_ descriptor: Int32, room: Int = 256 << 10) {
        state = Mutex(State(writer: NonBlockingWriter(descriptor)))
        self.room = room
    }

    package func post(_ text: String) {
        state.withLock { state in
            if state.isOver { return }
            let bytes = Array(text.utf8)
            if state.waiting.isEmpty || state.leftOut == 0 && state.waiting.count + bytes.count <= room {
                state.waiting += bytes
            } else {
                state.leftOut += 1
            }
            state.push()
            if !state.waiting.isEmpty, !state.hasThread { state.hasThread = DetachedThread.start { self.run() } }
        }
    }

    private func run() {
        while true {
            let entry: pollfd? = state.withLock { state in
                if !state.waiting.isEmpty, !state.isOver { return state.writer.pollEntry }
                state.hasThread = false
                return nil
            }
            guard let entry else { return }
            var entries = [entry]
            _ = try? Polling.wait(&entries, deadline: nil)
            state.withLock { if !$0.isOver { $0.push() } }
        }
    }

    /// The program ends: a reader that is only slow gets the rest, within that time. Nothing is taken afterwards.
    package func settle(milliseconds: UInt64) {
        let deadline = MonotonicClock.now() &+ milliseconds &* 1_000_000
        while true {
            let entry: pollfd? = state.withLock { state in
                if state.isOver { return nil }
                state.push()
                if !state.waiting.isEmpty, MonotonicClock.now() < deadline { return state.writer.pollEntry }
                state.isOver = true
                return state.waiting.isEmpty ? state.writer.finish() : nil
            }
            guard let entry else { return }
            var entries = [entry]
            guard (try? Polling.wait(&entries, deadline: deadline)) != nil else { return }
        }
    }
}
