package import LinuxPrimitives

/// Ends a run from another thread: its tree is killed, its outcome is `cancelled`. Cancelling twice is once.
package final class RunCancellation: Sendable {
    private let event: EventDescriptor

    package init() throws(SystemError) {
        event = try EventDescriptor()
    }

    package func cancel() {
        try? event.signal() // an eventfd of our own takes the signal, or is full and thus signalled
    }

    /// Readable once cancelled.
    var descriptor: Int32 { event.rawValue }
}
