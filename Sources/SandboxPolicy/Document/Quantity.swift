/// Sizes and durations as policies write them. Both refuse zero, signs, fractions and what does not fit.
package enum Quantity {
    package struct Problem: Error, Sendable, Equatable {
        package var message: String
        package var mend: String
    }

    static let sizeUnits: [(unit: String, bytes: UInt64)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1),
    ]
    static let durationUnits: [(unit: String, milliseconds: UInt64)] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)]

    /// Bytes of `512MiB`, `64KiB`, `10GiB`, `100B`.
    package static func bytes(_ text: String) throws(Problem) -> UInt64 {
        try parse(text, units: sizeUnits.map { ($0.unit, $0.bytes) }, example: "512MiB")
    }

    /// Milliseconds of `500ms`, `60s`, `5m`, `1h`.
    package static func milliseconds(_ text: String) throws(Problem) -> UInt64 {
        try parse(text, units: durationUnits.map { ($0.unit, $0.milliseconds) }, example: "60s")
    }

    /// A plain number of things, 1 or more.
    package static func count(_ text: String) throws(Problem) -> UInt64 {
        try parse(text, units: [("", 1)], example: "64")
    }

    /// The size in the largest unit that divides it.
    package static func sizeText(_ bytes: UInt64) -> String { text(bytes, units: sizeUnits.map { ($0.unit, $0.bytes) }) }

    package static func durationText(_ milliseconds: UInt64) -> String {
        text(milliseconds, units: durationUnits.map { ($0.unit, $0.milliseconds) })
    }

    private static func text(_ value: UInt64, units: [(String, UInt64)]) -> String {
        for (unit, factor) in units where value % factor == 0 && value >= factor { return "\(value / factor)\(unit)" }
        return "\(value)\(units.last?.0 ?? "")"
    }

    private static func parse(_ text: String, units: [(String, UInt64)], example: String) throws(Problem) -> UInt64 {
        let digits = text.utf8.prefix { (0x30...0x39).contains($0) }
        let unit = String(decoding: text.utf8.dropFirst(digits.count), as: UTF8.self)
        var form: String {
            let names = units.map(\.0).filter { !$0.isEmpty }
            return names.isEmpty
                ? "write a whole number, for example \(example)"
                : "write a whole number and one of \(names.joined(separator: ", ")), for example \(example)"
        }
        if text.utf8.first == UInt8(ascii: "-") { throw Problem(message: "`\(text)` is negative", mend: form) }
        if digits.isEmpty { throw Problem(message: "`\(text)` is not a quantity", mend: form) }
        guard let factor = units.first(where: { $0.0 == unit })?.1 else {
            if unit.isEmpty { throw Problem(message: "`\(text)` has no unit", mend: form) }
            throw Problem(message: "`\(unit)` is not a unit here", mend: form)
        }
        // Int64 is the ceiling: rlimits and cgroup files hold no more.
        guard let number = UInt64(String(decoding: digits, as: UTF8.self)) else {
            throw Problem(message: "`\(text)` is too large", mend: form)
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        if overflow || product > UInt64(Int64.max) { throw Problem(message: "`\(text)` is too large", mend: form) }
        if product == 0 {
            throw Problem(message: "`\(text)` is zero", mend: "a limit is at least 1; leave the key out to keep the parent's")
        }
        return product
    }
}
