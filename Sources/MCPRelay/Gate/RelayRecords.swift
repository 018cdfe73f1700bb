package import CapabilityBroker
package import LibOSModel

/// The store as a gate uses it: from a thread that may wait, one thing after the other.
package protocol RelayRecords: Sendable {
    typealias Work<Value: Sendable> = @Sendable (any StoreTransaction, CapabilityBroker) throws(LibOSError) -> Value

    /// Does it in one transaction, after everything that was handed over before, and waits for it. The broker is the store's.
    func perform<Value: Sendable>(_ work: @escaping Work<Value>) throws(LibOSError) -> Value
    /// What is asked for meanwhile is done in one transaction, which is over when this returns. When it throws, nothing of it was done,
    /// whatever was answered: all of it has to be asked for anew.
    func group(_ body: () -> Void) throws(LibOSError)
    /// Hands it over, to be written with what is asked next or soon after. What fails is told to whoever runs the relay.
    func enqueue(_ work: @escaping Work<Void>)
}
