internal import StrictJSON

/// What one case took: microseconds of a message, and how it stands to its bare counterpart.
struct BenchCase: Sendable {
    var name: String
    var n: Int
    var min: Double
    var median: Double
    var p95: Double
    var p99: Double
    /// Of latencies: times the bare one's median. Of throughputs: the part of the bare one's that is left. Nil for the bare ones.
    var ratio: Double?

    init(_ name: String, nanoseconds: [UInt64]) {
        let sorted = nanoseconds.sorted()
        func at(_ part: Double) -> Double {
            sorted.isEmpty ? 0 : Double(sorted[Swift.min(sorted.count - 1, Int(part * Double(sorted.count)))]) / 1000
        }
        self.name = name
        n = sorted.count
        min = at(0)
        median = at(0.5)
        p95 = at(0.95)
        p99 = at(0.99)
    }

    /// What relaying adds: each figure of the relayed case less the same figure of the bare one.
    init(_ name: String, adding relayed: BenchCase, to bare: BenchCase) {
        self.name = name
        n = relayed.n
        min = relayed.min - bare.min
        median = relayed.median - bare.median
        p95 = relayed.p95 - bare.p95
        p99 = relayed.p99 - bare.p99
        ratio = bare.median > 0 ? relayed.median / bare.median : nil
    }

    var json: JSONValue {
        .object([
            "name": .string(name), "n": .int(Int64(n)), "min_us": .double(Self.rounded(min)), "median_us": .double(Self.rounded(median)),
            "p95_us": .double(Self.rounded(p95)), "p99_us": .double(Self.rounded(p99)),
            "ratio": ratio.map { .double(Self.rounded($0)) } ?? .null,
        ])
    }

    var cells: [String] {
        [name, "\(n)"] + [min, median, p95, p99].map(Self.text) + [ratio.map(Self.text) ?? ""]
    }

    static func rounded(_ value: Double) -> Double { (value * 1000).rounded() / 1000 }

    static func text(_ value: Double) -> String {
        let hundredths = Int((abs(value) * 100).rounded())
        return (value < 0 ? "-" : "") + "\(hundredths / 100)." + (hundredths % 100 < 10 ? "0" : "") + "\(hundredths % 100)"
    }
}

/// Whether a machine was quiet enough: the same bare work has to take the same time all along.
struct BenchNoise: Sendable {
    private(set) var findings: [String] = []

    /// Most that a batch of the bare case may take over the quickest one.
    private static let most = 1.25
    private static let batches = 8

    /// - Parameter nanoseconds: times of one kind of work, in the order in which it was done.
    mutating func look(at nanoseconds: [UInt64], of name: String) {
        let size = nanoseconds.count / Self.batches
        guard size > 0 else { return }
        let medians = (0..<Self.batches).map { batch in nanoseconds[batch * size..<(batch + 1) * size].sorted()[size / 2] }
        guard let least = medians.min(), let most = medians.max(), least > 0 else { return }
        let spread = Double(most) / Double(least)
        if spread > Self.most {
            findings.append("\(name) took between 1 and \(BenchCase.text(spread)) times as long in the course of the run")
        }
    }

    /// The same of a few rounds.
    mutating func look(atRounds nanoseconds: [UInt64], of name: String) {
        guard let least = nanoseconds.min(), let most = nanoseconds.max(), least > 0 else { return }
        let spread = Double(most) / Double(least)
        if spread > Self.most { findings.append("the rounds of \(name) differ by \(BenchCase.text(spread))") }
    }
}
