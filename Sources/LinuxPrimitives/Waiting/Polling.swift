package import Glibc

/// `poll` with interruptions handled: a signal neither ends the wait nor makes it longer.
package enum Polling {
    /// Waits until an entry is ready or the deadline (nanoseconds of MonotonicClock; nil: for ever) has passed.
    /// Returns the number of ready entries, 0 after the deadline. Deadlines are kept to the next full millisecond.
    package static func wait(_ entries: inout [pollfd], deadline: UInt64?) throws(SystemError) -> Int {
        while true {
            var milliseconds: Int32 = -1
            if let deadline {
                let now = MonotonicClock.now()
                let left = deadline > now ? (deadline - now + 999_999) / 1_000_000 : 0
                milliseconds = Int32(clamping: left)
            }
            let ready = libc(Glibc.poll(&entries, nfds_t(entries.count), milliseconds))
            if ready == -EINTR || (ready == 0 && milliseconds == Int32.max) { continue }
            return Int(try checked(ready, "poll"))
        }
    }

    package static func wait(_ entries: inout [pollfd], timeoutMilliseconds: UInt64) throws(SystemError) -> Int {
        try wait(&entries, deadline: MonotonicClock.now() &+ timeoutMilliseconds &* 1_000_000)
    }

    package enum Readiness: Sendable {
        case readable, writable
    }

    /// Waits for one descriptor. True when it is ready, at its end or in error; false after the deadline.
    package static func wait(_ descriptor: Int32, for readiness: Readiness, deadline: UInt64?) throws(SystemError) -> Bool {
        var entries = [pollfd(fd: descriptor, events: Int16(readiness == .readable ? POLLIN : POLLOUT), revents: 0)]
        return try wait(&entries, deadline: deadline) > 0
    }
}
