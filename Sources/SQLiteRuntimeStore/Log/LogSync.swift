internal import Dispatch
internal import Glibc
internal import LibOSModel
internal import LinuxPrimitives
internal import Synchronization

/// Waiting for the disk to have the write-ahead log, and with it every commit so far: one wait serves all that came before it.
///
/// A commit is in the log before its transaction is answered, in the kernel's hands, and so outlasts this program. The log is read from its
/// beginning after a loss of power, up to the first frame that is not whole: what the disk has is always a beginning of what was committed.
final class LogSync: Sendable {
    private struct State {
        var waiting: [CheckedContinuation<Result<Void, LibOSError>, Never>] = []
        var isUnderWay = false
        /// Whether a wait will begin that nobody asked for.
        var isDue = false
        /// How often the disk was waited for.
        var rounds = 0
        /// Whether the disk has the log's name too.
        var isNamed = false
        /// After a failure the kernel takes pages for written that are not: nothing is promised any more.
        var failure: LibOSError?
    }

    private static let soonest = DispatchTimeInterval.seconds(1)
    private let log: OwnedDescriptor
    private let directory: OwnedDescriptor
    private let store: String
    private let queue = DispatchQueue(label: "glovebox.store.disk")
    private let call: @Sendable (Int32) -> Int32
    private let state = Mutex(State())

    /// - Parameter call: Waits for the disk to have a file's content.
    init(
        log: consuming OwnedDescriptor, directory: consuming OwnedDescriptor, store: String,
        call: @escaping @Sendable (Int32) -> Int32 = { fdatasync($0) }
    ) {
        self.log = log
        self.directory = directory
        self.store = store
        self.call = call
    }

    var rounds: Int { state.withLock { $0.rounds } }
    /// Whether the disk is waited for at present.
    var isBusy: Bool { state.withLock { $0.isUnderWay && $0.waiting.isEmpty } }
    /// Those whose wait has not begun.
    var waiting: Int { state.withLock { $0.waiting.count } }

    /// Until everything is on the disk that was committed before the call. No thread waits but one of its own.
    func wait() async -> Result<Void, LibOSError> {
        await withCheckedContinuation { continuation in
            let isFirst = state.withLock { state in
                state.waiting.append(continuation)
                defer { state.isUnderWay = true }
                return !state.isUnderWay
            }
            if isFirst { queue.async { self.serve() } }
        }
    }

    private func serve() {
        while true {
            let waiting = state.withLock { state in
                defer { state.waiting = [] }
                if state.waiting.isEmpty { state.isUnderWay = false }
                return state.waiting
            }
            if waiting.isEmpty { return }
            let result = now()
            for continuation in waiting { continuation.resume(returning: result) }
        }
    }

    /// Commits that nobody waits for are on the disk soon all the same: a loss of power takes the last moment, not the last hour.
    func soon() {
        let isFirst = state.withLock { state in
            defer { state.isDue = true }
            return !state.isDue
        }
        guard isFirst else { return }
        queue.asyncAfter(deadline: .now() + Self.soonest) { [weak self] in
            guard let self else { return }
            self.state.withLock { $0.isDue = false }
            // A failure is kept, and is the answer of whoever waits next.
            _ = self.now()
        }
    }

    /// What would be waited for soon is waited for now.
    func finish() {
        let isDue = state.withLock { state in
            defer { state.isDue = false }
            return state.isDue
        }
        if isDue { _ = now() }
    }

    /// The same on the caller's own thread.
    func now() -> Result<Void, LibOSError> {
        let (isNamed, failure) = state.withLock { ($0.isNamed, $0.failure) }
        if let failure { return .failure(failure) }
        if !isNamed, let failure = sync(directory, { fsync($0) }) { return .failure(failure) }
        if let failure = sync(log, call) { return .failure(failure) }
        state.withLock { state in
            state.isNamed = true
            state.rounds += 1
        }
        return .success(())
    }

    private func sync(_ file: borrowing OwnedDescriptor, _ call: (Int32) -> Int32) -> LibOSError? {
        while call(file.rawValue) != 0 {
            let number = errno
            if number == EINTR { continue }
            let error = SystemError(errno: number, operation: "fdatasync", object: store + "-wal")
            let failure = LibOSError(
                .store, "the disk did not take what was written to the store \(store): \(error)",
                mend: "see to the disk and start again; what was begun and not recorded will be marked as unknown")
            state.withLock { $0.failure = failure }
            return failure
        }
        return nil
    }
}
