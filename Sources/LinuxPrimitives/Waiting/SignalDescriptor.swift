internal import CLinuxShims

/// Signals as something to poll and read.
package enum SignalDescriptor {
    /// Blocks the signals in the calling thread and gives a non-blocking descriptor that is readable while one of them waits.
    package static func open(_ numbers: [Int32]) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(adopting: try checked(gbx_signalfd(numbers, numbers.count), "signalfd"))
    }

    /// Takes one that waits; nil when there is none.
    package static func take(_ descriptor: Int32) -> Int32? {
        let number = gbx_take_signal(descriptor)
        return number > 0 ? number : nil
    }
}
