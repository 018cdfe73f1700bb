internal import GRDB
package import LibOSModel
internal import Synchronization

/// The same for a thread of one's own, which may wait: without the ways to other threads and back, which cost as much as a small
/// transaction itself. Never to be called from a task.
extension SQLiteRuntimeStore {
    /// As `open(path:patience:)`.
    package static func openWaiting(path: String, patience: UInt64 = 0) throws(LibOSError) -> SQLiteRuntimeStore {
        try opening(path: path, clock: SystemClock(), observer: nil, patience: patience)
    }

    /// Whether an opening failed because another program writes to the store.
    package static func isHeldByAnother(_ error: LibOSError) -> Bool {
        error.code == .store && error.message.contains(WriterLock.busyWords)
    }

    /// As `write`.
    package func writeWaiting<Value>(
        _ durability: Durability = .process, _ body: (any StoreTransaction) throws(LibOSError) -> Value
    ) throws(LibOSError) -> Value {
        try refuseWhenClosed()
        if !mayWrite { throw LibOSError(.store, "the store \(name) is open for reading only", mend: "open it for writing") }
        _ = enterQueue()
        let result = here(durability, body)
        leaveQueue()
        let committed = try result.get()
        if committed.durability == .power { try awaitDisk() } else { disk?.soon() }
        return committed.value
    }

    /// On the caller's own thread.
    func awaitDisk() throws(LibOSError) {
        guard let disk else { return }
        try disk.now().get()
        observer?(.onDisk)
    }

    /// As `close`.
    package func closeWaiting() {
        guard
            state.withLock({ state in
                defer { state.isClosed = true }
                return !state.isClosed
            })
        else { return }
        letGo()
    }

    func letGo() {
        // Beside somebody who reads, closing takes nothing over, and nobody is left who would wait for the disk later.
        disk?.finish()
        // What fails here is the last checkpoint; the next opener does it.
        try? database.close()
        state.withLock { $0.lock = nil }
    }
}
