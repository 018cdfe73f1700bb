internal import Glibc
internal import SQLiteRuntimeStore
internal import Synchronization

/// Notes the points that the store passes since it was armed, and ends the program at one of them, with nothing in between.
final class StepCountdown: Sendable {
    private struct State {
        var isArmed = false
        var counts: [Character: Int] = [:]
    }

    /// One letter for each kind of point: before a transaction, after a statement, before its commit, after it.
    static let letters: [StoreStep: Character] = [.beforeTransaction: "b", .afterStatement: "s", .beforeCommit: "c", .afterCommit: "a"]

    private let letter: Character?
    private let number: Int
    private let state = Mutex(State())

    /// - Parameter point: A letter and the number of the point among those of that kind, from 1; `0` for none. Nil when it is neither.
    init?(point: String) {
        if point == "0" { (letter, number) = (nil, 0); return }
        guard let first = point.first, Self.letters.values.contains(first), let number = Int(point.dropFirst()) else { return nil }
        (letter, self.number) = (first, number)
    }

    /// How many points there were of each kind.
    var counts: String { state.withLock { $0.counts.sorted { $0.key < $1.key }.map { "\($0.key)\($0.value)" }.joined(separator: " ") } }

    func arm() { state.withLock { $0.isArmed = true } }

    var observer: StoreObserver {
        { step in
            guard let letter = Self.letters[step] else { return }
            let reached = self.state.withLock { state in
                guard state.isArmed else { return 0 }
                state.counts[letter, default: 0] += 1
                return state.counts[letter] ?? 0
            }
            if letter == self.letter, reached == self.number { kill(getpid(), SIGKILL) }
        }
    }
}
