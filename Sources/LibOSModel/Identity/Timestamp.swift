/// An instant in UTC, in microseconds since 1970. Its text is ISO 8601 with six decimals, so that texts order as instants do.
package struct Timestamp: Sendable, Hashable, Comparable, CustomStringConvertible {
    package var microseconds: Int64

    package init(microseconds: Int64) { self.microseconds = microseconds }

    package static func < (a: Timestamp, b: Timestamp) -> Bool { a.microseconds < b.microseconds }

    /// The instant so many seconds later; stays at the end of time instead of wrapping.
    package func adding(seconds: Double) -> Timestamp {
        let change = Int64(exactly: (seconds * 1_000_000).rounded()) ?? (seconds < 0 ? .min : .max)
        let (sum, overflow) = microseconds.addingReportingOverflow(change)
        return Timestamp(microseconds: overflow ? (change < 0 ? .min : .max) : sum)
    }

    /// `2026-03-01T12:00:00.000000Z`
    package var description: String {
        let (days, inDay) = Self.divide(microseconds, 86_400_000_000)
        let (year, month, day) = Self.civil(days)
        let seconds = inDay / 1_000_000
        return Self.digits(year, 4) + "-" + Self.digits(month, 2) + "-" + Self.digits(day, 2) + "T" + Self.digits(seconds / 3600, 2) + ":"
            + Self.digits(seconds / 60 % 60, 2) + ":" + Self.digits(seconds % 60, 2) + "." + Self.digits(inDay % 1_000_000, 6) + "Z"
    }

    /// Reads what `description` writes; a shorter or absent fraction is accepted too.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z"), bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            bytes[10] == UInt8(ascii: "T"), bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"),
            let year = Self.number(bytes[0..<4]), let month = Self.number(bytes[5..<7]), let day = Self.number(bytes[8..<10]),
            let hour = Self.number(bytes[11..<13]), let minute = Self.number(bytes[14..<16]), let second = Self.number(bytes[17..<19]),
            (1...12).contains(month), (1...31).contains(day), hour < 24, minute < 60, second < 60
        else { return nil }
        var fraction: Int64 = 0
        if bytes.count > 20 {
            let digits = bytes[20..<(bytes.count - 1)]
            guard bytes[19] == UInt8(ascii: "."), (1...6).contains(digits.count), let value = Self.number(digits) else { return nil }
            fraction = (0..<(6 - digits.count)).reduce(value) { value, _ in value * 10 }
        }
        let days = Self.days(year, month, day)
        guard Self.civil(days) == (year, month, day) else { return nil }
        microseconds = ((days * 24 + hour) * 60 + minute) * 60_000_000 + second * 1_000_000 + fraction
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int64? {
        guard bytes.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return bytes.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
    }

    private static func digits(_ value: Int64, _ width: Int) -> String {
        let text = String(value)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }

    /// Division that rounds down, so that instants before 1970 have the right day.
    private static func divide(_ value: Int64, _ by: Int64) -> (Int64, Int64) {
        let (quotient, rest) = value.quotientAndRemainder(dividingBy: by)
        return rest < 0 ? (quotient - 1, rest + by) : (quotient, rest)
    }

    /// Days since 1970-01-01 of a date of the proleptic Gregorian calendar, whose 400-year cycle has 146,097 days. Years are
    /// counted from March, so that the leap day comes last.
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let (cycle, inCycle) = divide(shifted, 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return cycle * 146_097 + inCycle * 365 + inCycle / 4 - inCycle / 100 + dayOfYear - 719_468
    }

    private static func civil(_ days: Int64) -> (Int64, Int64, Int64) {
        let (cycle, inCycle) = divide(days + 719_468, 146_097)
        let year = (inCycle - inCycle / 1460 + inCycle / 36_524 - inCycle / 146_096) / 365
        let dayOfYear = inCycle - (365 * year + year / 4 - year / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (cycle * 400 + year + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }
}

/// Where the runtime takes the time from; tests hold it in their hands.
package protocol RuntimeClock: Sendable {
    func now() -> Timestamp
}
