internal import Dispatch
internal import LibOSModel

/// A leased store for the runtime: whoever waits for somebody else's opening waits on a thread of this one's.
final class LeasedRuntimeStore: RuntimeStore {
    private let records: LeasedStore
    private let queue = DispatchQueue(label: "glovebox.mcp.store")

    init(_ records: LeasedStore) { self.records = records }

    func write<Value: Sendable>(
        _ durability: Durability, _ body: @escaping @Sendable (any StoreTransaction) throws(LibOSError) -> Value
    ) async throws(LibOSError) -> Value {
        let result: Result<Value, LibOSError> = await withCheckedContinuation { continuation in
            queue.async { [records] in
                do throws(LibOSError) {
                    let value = try records.perform(durability) { transaction, _ throws(LibOSError) in try body(transaction) }
                    continuation.resume(returning: .success(value))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any StoreReading) throws(LibOSError) -> Value
    ) async throws(LibOSError) -> Value {
        try await write(.process) { transaction throws(LibOSError) in try body(transaction) }
    }

    func close() async { await records.close() }
}
