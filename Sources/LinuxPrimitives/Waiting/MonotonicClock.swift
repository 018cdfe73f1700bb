internal import Glibc

/// CLOCK_MONOTONIC: time that never jumps; the same clock as in the launcher's reports.
package enum MonotonicClock {
    /// Nanoseconds since some point in the past.
    package static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
