/// Where the runtime keeps everything: one writer, transactions that couple a state with its event and its audit record.
///
/// Bodies run on the store's own thread, one writing body at a time, and must not block. What a body throws undoes everything
/// that it wrote. After a crash at any point the store holds whole transactions only.
package protocol RuntimeStore: Sendable {
    func write<Value: Sendable>(
        _ durability: Durability, _ body: @escaping @Sendable (any StoreTransaction) throws(LibOSError) -> Value
    ) async throws(LibOSError) -> Value

    func read<Value: Sendable>(
        _ body: @escaping @Sendable (any StoreReading) throws(LibOSError) -> Value
    ) async throws(LibOSError) -> Value

    /// Refuses further work and lets the file go.
    func close() async
}

extension RuntimeStore {
    package func write<Value: Sendable>(
        _ body: @escaping @Sendable (any StoreTransaction) throws(LibOSError) -> Value
    ) async throws(LibOSError) -> Value {
        try await write(.process, body)
    }
}

/// What a committed transaction survives. Transactions get to the disk in their order: one that is there has all before it there.
package enum Durability: Sendable, Hashable {
    /// The death of this program, by SIGKILL too.
    case process
    /// Loss of power as well: the commit waits for the disk. For intents, which must be there before their effect.
    case power
}

/// Everything that can be read, in one consistent state. Good only inside the body that it was given to.
package protocol StoreReading:
    ProcessReading, ObjectReading, CapabilityReading, HumanRequestReading, MessageReading, RecordReading, ToolReading, ModelCallReading
{
    /// The instant of this transaction: the same for everything in it.
    var now: Timestamp { get }
}

package protocol StoreTransaction:
    StoreReading, ProcessWriting, ObjectWriting, CapabilityWriting, HumanRequestWriting, MessageWriting, RecordWriting, ToolWriting,
    ModelCallWriting
{
    /// What the commit of this transaction has to survive, when that shows in the body only. The highest demand counts, that of `write`
    /// included; whoever waits for the transaction waits for that.
    func demand(_ durability: Durability)
}
