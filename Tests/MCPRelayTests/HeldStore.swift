import CapabilityBroker
import LibOSModel
import MCPRelay
import SQLiteRuntimeStore

/// The store of a test behind a gate: in memory, and open as long as the test.
final class HeldStore: RelayRecords {
    let store: SQLiteRuntimeStore
    private let broker = CapabilityBroker()

    init() throws { store = try SQLiteRuntimeStore.inMemory() }

    /// The transaction of a group, on the thread that is in it.
    nonisolated(unsafe) private var current: (any StoreTransaction)?
    nonisolated(unsafe) private var failure: LibOSError?
    /// Groups that were asked for, and those that are to fail at their end.
    nonisolated(unsafe) var groups = 0
    nonisolated(unsafe) var failsGroups = false

    func group(_ body: () -> Void) throws(LibOSError) {
        groups += 1
        try store.writeWaiting { transaction throws(LibOSError) in
            current = transaction
            defer { (current, failure) = (nil, nil) }
            body()
            if let failure { throw failure }
            if failsGroups { throw LibOSError(.store, "the disk is full") }
        }
    }

    func perform<Value: Sendable>(_ work: @escaping Work<Value>) throws(LibOSError) -> Value {
        if let current {
            do throws(LibOSError) {
                return try work(current, broker)
            } catch {
                failure = error
                throw error
            }
        }
        return try store.writeWaiting { transaction throws(LibOSError) in try work(transaction, broker) }
    }

    func enqueue(_ work: @escaping Work<Void>) { try? perform(work) }
}
