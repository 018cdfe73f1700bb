internal import CLinuxShims

/// A descriptor that becomes readable when somebody signals it: wakes a thread that polls.
package struct EventDescriptor: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor

    package init() throws(SystemError) {
        descriptor = OwnedDescriptor(adopting: try checked(gbx_eventfd(0), "eventfd"))
    }

    /// For `poll` with POLLIN.
    package var rawValue: Int32 { descriptor.rawValue }

    /// Makes it readable, from any thread. Signals add up to one wake-up.
    package borrowing func signal() throws(SystemError) {
        let one: UInt64 = 1
        do {
            _ = try withUnsafeBytes(of: one) { (raw) throws(SystemError) in try Transfer.write(descriptor.rawValue, from: raw) }
        } catch  where error.isWouldBlock {
            // The counter is at its maximum: it is readable.
        }
    }

    /// Makes it unreadable again. True when it had been signalled.
    @discardableResult
    package borrowing func drain() throws(SystemError) -> Bool {
        var count: UInt64 = 0
        do {
            return try withUnsafeMutableBytes(of: &count) { (raw) throws(SystemError) in
                try Transfer.read(descriptor.rawValue, into: raw) == 8
            }
        } catch  where error.isWouldBlock {
            return false
        }
    }
}
