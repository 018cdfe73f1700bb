package import LinuxPrimitives

/// Ends a run from outside: its tree is killed, its outcome is `cancelled`. Cancelling twice is once.
package final class RunCancellation: Sendable {
    private let event: EventDescriptor?
    private let source: OwnedDescriptor?

    package init() throws(SystemError) {
        event = try EventDescriptor()
        source = nil
    }

    /// Cancelled by what makes the descriptor readable, for example a signal.
    package init(readable source: consuming OwnedDescriptor) {
        event = nil
        self.source = consume source
    }

    package func cancel() {
        switch event {
        case .some(let event): try? event.signal() // an eventfd of our own takes the signal, or is full and thus signalled
        case nil: break
        }
    }

    /// Readable once cancelled.
    package var descriptor: Int32 {
        switch event {
        case .some(let event): event.rawValue
        case nil: source.number ?? -1
        }
    }
}
