internal import CapabilityBroker
internal import Dispatch
internal import Glibc
internal import LibOSModel
internal import LinuxPrimitives
internal import MCPRelay
internal import SQLiteRuntimeStore
internal import Synchronization

/// A store that is open only while there is something to write: a session lasts for hours, and people must be able to answer what it
/// asks meanwhile, and other sessions to write.
///
/// What is handed over goes into the transaction of what is asked next, or into one of its own a moment later.
final class LeasedStore: RelayRecords {
    private struct Lease {
        var store: SQLiteRuntimeStore
        /// It belongs to one opening: what it remembers may be old after the next.
        var broker: CapabilityBroker
        var since: UInt64
        var lastWork: UInt64
    }

    /// Milliseconds that something handed over waits for company; without work until the store is let go; of steady work until others
    /// get a chance, and that chance; for somebody else who holds the store.
    private static let delay = 5
    private static let idleTime = 100
    private static let longestHold: UInt64 = 1_000
    private static let gap: UInt32 = 10
    static let patience: UInt64 = 5_000
    /// Milliseconds after a failure for which nobody waits again: calls that came together are refused together, not one after the other.
    private static let discouragement: UInt64 = 1_000

    private let patience: UInt64
    private let path: String
    private let complain: @Sendable (String) -> Void
    private let opened: @Sendable () -> Void
    /// Held while the store is worked with.
    private let lease = Mutex<Lease?>(nil)
    /// When the store could not be had last.
    private let failure = Mutex<(at: UInt64, error: LibOSError)?>(nil)
    private let pending = Mutex<(work: [Work<Void>], isTimed: Bool)>(([], false))
    private let isIdleTimed = Atomic<Bool>(false)
    private let queue = DispatchQueue(label: "glovebox.mcp.records")

    /// - Parameters:
    ///   - opened: told of each opening, before anything is done with it: others may have written since the last one.
    ///   - complain: told of what could not be recorded.
    ///   - patience: milliseconds to wait for somebody else who holds the store.
    init(
        path: String, patience: UInt64 = LeasedStore.patience, opened: @escaping @Sendable () -> Void = {},
        complain: @escaping @Sendable (String) -> Void
    ) {
        self.patience = patience
        self.path = path
        self.opened = opened
        self.complain = complain
    }

    /// The transaction of a group, while the relay's thread is in one. Nobody else asks: what others hand over waits for the lease.
    private struct Group {
        var transaction: any StoreTransaction
        var broker: CapabilityBroker
        var failure: LibOSError?
    }
    nonisolated(unsafe) private var group: Group?

    func group(_ body: () -> Void) throws(LibOSError) {
        try lease.withLock { (lease) throws(LibOSError) in
            let earlier = takePending()
            let (store, broker) = try held(&lease, losing: earlier)
            defer { timeIdleness() }
            if !earlier.isEmpty { write(all: earlier, store, broker) }
            try store.writeWaiting { transaction throws(LibOSError) in
                group = Group(transaction: transaction, broker: broker)
                defer { group = nil }
                body()
                if let failure = group?.failure { throw failure }
            }
        }
    }

    private func performInGroup<Value: Sendable>(_ work: Work<Value>) throws(LibOSError) -> Value {
        guard let current = group else { throw LibOSError(.store, "there is no group") }
        do throws(LibOSError) {
            if let failure = current.failure { throw failure }
            return try work(current.transaction, current.broker)
        } catch {
            // It may have written half of it, so nothing of the group may stay.
            group?.failure = error
            throw error
        }
    }

    func perform<Value: Sendable>(_ work: @escaping Work<Value>) throws(LibOSError) -> Value { try perform(.process, work) }

    func perform<Value: Sendable>(_ durability: Durability, _ work: @escaping Work<Value>) throws(LibOSError) -> Value {
        if group != nil { return try performInGroup(work) }
        return try lease.withLock { (lease) throws(LibOSError) in
            let earlier = takePending()
            let (store, broker) = try held(&lease, losing: earlier)
            defer { timeIdleness() }
            if !earlier.isEmpty {
                do throws(LibOSError) {
                    return try store.writeWaiting(durability) { transaction throws(LibOSError) in
                        for one in earlier { try one(transaction, broker) }
                        return try work(transaction, broker)
                    }
                } catch {
                    // One of them cannot be: each stands for itself then.
                    write(earlier, store, broker)
                }
            }
            return try store.writeWaiting(durability) { transaction throws(LibOSError) in try work(transaction, broker) }
        }
    }

    func enqueue(_ work: @escaping Work<Void>) {
        let isFirst = pending.withLock { pending in
            pending.work.append(work)
            defer { pending.isTimed = true }
            return !pending.isTimed
        }
        if isFirst { timeFlush() }
    }

    private func timeFlush() {
        queue.asyncAfter(deadline: .now() + .milliseconds(Self.delay)) { [self] in
            // Whoever works with the store takes what is there along with what comes next; waiting for that would only slow it down.
            let isDone: Void? = lease.withLockIfAvailable { lease in
                pending.withLock { $0.isTimed = false }
                flush(&lease)
            }
            if isDone == nil { timeFlush() }
        }
    }

    /// Waits until everything is written and the store is let go. Nothing may be handed over afterwards.
    func close() async {
        await withCheckedContinuation { continuation in
            queue.async { [self] in
                lease.withLock { lease in
                    flush(&lease)
                    Self.release(&lease)
                }
                continuation.resume()
            }
        }
    }

    // MARK: - Writing

    private func takePending() -> [Work<Void>] {
        pending.withLock { pending in
            defer { pending.work = [] }
            return pending.work
        }
    }

    private func flush(_ lease: inout Lease?) {
        let work = takePending()
        if work.isEmpty { return }
        do throws(LibOSError) {
            let (store, broker) = try held(&lease, losing: work)
            write(all: work, store, broker)
            timeIdleness()
        } catch {
            return // complained about
        }
    }

    /// In one transaction, or each in its own when one of them cannot be.
    private func write(all work: [Work<Void>], _ store: SQLiteRuntimeStore, _ broker: CapabilityBroker) {
        do throws(LibOSError) {
            try store.writeWaiting { transaction throws(LibOSError) in for one in work { try one(transaction, broker) } }
        } catch {
            write(work, store, broker)
        }
    }

    private func write(_ work: [Work<Void>], _ store: SQLiteRuntimeStore, _ broker: CapabilityBroker) {
        for one in work {
            do throws(LibOSError) {
                try store.writeWaiting { transaction throws(LibOSError) in try one(transaction, broker) }
            } catch {
                complain("something was not put on record: \(error)")
            }
        }
    }

    // MARK: - The lease

    private func held(_ lease: inout Lease?, losing work: [Work<Void>]) throws(LibOSError) -> (SQLiteRuntimeStore, CapabilityBroker) {
        let now = MonotonicClock.now()
        if let held = lease {
            if now &- held.since < Self.longestHold &* 1_000_000 {
                lease?.lastWork = now
                return (held.store, held.broker)
            }
            Self.release(&lease)
            usleep(Self.gap &* 1_000)
        }
        do throws(LibOSError) {
            let recent = failure.withLock { $0 }.flatMap { now &- $0.at < Self.discouragement &* 1_000_000 ? $0.error : nil }
            // SQLite's own waiting, for a program that is none of ours, cannot be left out.
            if let recent, !SQLiteRuntimeStore.isHeldByAnother(recent) { throw recent }
            let store = try SQLiteRuntimeStore.openWaiting(path: path, patience: recent == nil ? patience : 0)
            let new = Lease(store: store, broker: CapabilityBroker(), since: MonotonicClock.now(), lastWork: MonotonicClock.now())
            lease = new
            failure.withLock { $0 = nil }
            opened()
            return (new.store, new.broker)
        } catch {
            // An answer that was only repeated is no failure of now.
            if recentIsOver(now) || SQLiteRuntimeStore.isHeldByAnother(error) { failure.withLock { $0 = (MonotonicClock.now(), error) } }
            if !work.isEmpty { complain("\(work.count) records were not written: \(error)") }
            throw Self.unavailable(error)
        }
    }

    private func recentIsOver(_ now: UInt64) -> Bool {
        failure.withLock { $0.map { now &- $0.at >= Self.discouragement &* 1_000_000 } ?? true }
    }

    /// What a session can do about it is something else than what a command can.
    private static func unavailable(_ error: LibOSError) -> LibOSError {
        guard SQLiteRuntimeStore.isHeldByAnother(error) else { return error }
        return LibOSError(
            .store, "nothing can be recorded, and so no call be made, while another command holds the store: \(error.message)",
            mend: "make the call again when that command has ended (`glovebox agent run` holds the store as long as it runs), or give this "
                + "server a store of its own: glovebox mcp run --store FILE")
    }

    private static func release(_ lease: inout Lease?) {
        lease?.store.closeWaiting()
        lease = nil
    }

    private func timeIdleness() {
        guard !isIdleTimed.exchange(true, ordering: .relaxed) else { return }
        queue.asyncAfter(deadline: .now() + .milliseconds(Self.idleTime)) { [self] in
            isIdleTimed.store(false, ordering: .relaxed)
            let isIdle = lease.withLock { lease in
                guard let held = lease else { return true }
                if MonotonicClock.now() &- held.lastWork < UInt64(Self.idleTime) * 1_000_000 { return false }
                Self.release(&lease)
                return true
            }
            if !isIdle { timeIdleness() }
        }
    }
}
