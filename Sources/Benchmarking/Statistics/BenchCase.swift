package import StrictJSON

/// What one case took, microseconds, and how it stands to its bare counterpart.
package struct BenchCase: Sendable, Equatable {
    package var name: String
    package var n: Int
    package var min: Double
    package var median: Double
    package var p95: Double
    package var p99: Double
    /// Of latencies: times the bare one's median. Of throughputs: the part of the bare one's that is left. Nil where there is none.
    package var ratio: Double?

    /// - Parameter bare: what it is compared with, itself included.
    package init(_ measurement: Measurement, beside bare: Measurement? = nil) {
        let sorted = measurement.times.sorted()
        func at(_ fraction: Double) -> Double { Measurement.percentile(fraction, ofSorted: sorted) }
        name = measurement.name
        n = sorted.count
        min = at(0)
        median = at(0.5)
        p95 = at(0.95)
        p99 = at(0.99)
        ratio = bare.flatMap { Self.ratio(median, to: $0.median) }
    }

    package init(_ name: String, nanoseconds: [UInt64]) {
        self.init(Measurement(name: name, times: nanoseconds.map { Double($0) / 1000 }))
    }

    /// What relaying adds: each figure of the relayed case less the same figure of the bare one.
    package init(_ name: String, adding relayed: BenchCase, to bare: BenchCase) {
        self.name = name
        n = relayed.n
        min = relayed.min - bare.min
        median = relayed.median - bare.median
        p95 = relayed.p95 - bare.p95
        p99 = relayed.p99 - bare.p99
        ratio = Self.ratio(relayed.median, to: bare.median)
    }

    package static func ratio(_ value: Double, to bare: Double) -> Double? { bare > 0 ? value / bare : nil }

    package var members: [JSONMember] {
        [
            JSONMember("name", .string(name)), JSONMember("n", .int(Int64(n))), JSONMember("min_us", .double(Self.rounded(min))),
            JSONMember("median_us", .double(Self.rounded(median))), JSONMember("p95_us", .double(Self.rounded(p95))),
            JSONMember("p99_us", .double(Self.rounded(p99))), JSONMember("ratio", ratio.map { .double(Self.rounded($0)) } ?? .null),
        ]
    }

    package var json: JSONValue { .object(members) }

    package static let head = ["case", "n", "min", "median", "p95", "p99", "ratio"]
    package var cells: [String] {
        [name, "\(n)"] + [min, median, p95, p99].map(Self.text) + [ratio.map(Self.text) ?? ""]
    }

    package static func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }

    /// With two digits behind the point.
    package static func text(_ value: Double) -> String {
        guard abs(value) < 1e15 else { return value > 0 ? "∞" : "-∞" }
        let hundredths = Int((abs(value) * 100).rounded())
        return (value < 0 ? "-" : "") + "\(hundredths / 100)." + (hundredths % 100 < 10 ? "0" : "") + "\(hundredths % 100)"
    }
}
