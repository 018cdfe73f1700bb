import CapabilityBroker
import LibOSModel
import MCPRelay
import SQLiteRuntimeStore

/// The store of a test behind a gate: in memory, and open as long as the test.
final class HeldStore: RelayRecords {
    let store: SQLiteRuntimeStore
    private let broker = CapabilityBroker()

    init() throws { store = try SQLiteRuntimeStore.inMemory() }

    func perform<Value: Sendable>(_ work: @escaping Work<Value>) throws(LibOSError) -> Value {
        try store.writeWaiting { transaction throws(LibOSError) in try work(transaction, broker) }
    }

    func enqueue(_ work: @escaping Work<Void>) { try? perform(work) }
}
