internal import Glibc
internal import LinuxPrimitives

/// What the machine's processors did since it started, in ticks: the first line of /proc/stat.
package struct ProcessorTimes: Sendable, Equatable {
    package var busy: UInt64
    package var idle: UInt64
    /// Taken by other virtual machines while this one had work.
    package var stolen: UInt64

    package init(busy: UInt64, idle: UInt64, stolen: UInt64) {
        self.busy = busy
        self.idle = idle
        self.stolen = stolen
    }

    /// Nil for a text that is none.
    package static func parse(_ text: String) -> ProcessorTimes? {
        guard let line = text.split(separator: "\n").first, line.hasPrefix("cpu ") else { return nil }
        let ticks = line.split(separator: " ").dropFirst().map { UInt64($0) ?? 0 }
        // user nice system idle iowait irq softirq steal; guest time is in user already.
        guard ticks.count >= 8 else { return nil }
        return ProcessorTimes(busy: ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6], idle: ticks[3] + ticks[4], stolen: ticks[7])
    }

    package static func now() -> ProcessorTimes? { (try? SmallFile.text("/proc/stat")).flatMap(parse) }

    /// Parts of all processors' time since an earlier moment. Nil when no time went by.
    package func shares(since earlier: ProcessorTimes) -> (busy: Double, stolen: Double)? {
        // Idle time can run backwards by a tick.
        func less(_ now: UInt64, _ then: UInt64) -> Double { now > then ? Double(now - then) : 0 }
        let (busy, idle, stolen) = (less(busy, earlier.busy), less(idle, earlier.idle), less(stolen, earlier.stolen))
        let all = busy + idle + stolen
        return all > 0 ? (busy / all, stolen / all) : nil
    }

    /// How busy everybody else keeps the processors: looked at while this program does nothing at all.
    package static func shareOfOthers(milliseconds: UInt64 = 300) -> Double? {
        guard let before = now() else { return nil }
        _ = try? Polling.wait(-1, for: .readable, deadline: MonotonicClock.now() + milliseconds * 1_000_000)
        return now()?.shares(since: before).map { $0.busy + $0.stolen }
    }
}
