/// Times of one kind of work, microseconds, in the order in which they were taken.
package struct Measurement: Sendable, Equatable {
    package let name: String
    package private(set) var times: [Double]

    package init(name: String, times: [Double] = []) {
        self.name = name
        self.times = times
    }

    package mutating func add(_ microseconds: Double) { times.append(microseconds) }

    /// The nearest rank; 0 of no times.
    /// - Parameter fraction: 0 for the least, 1 for the most.
    package func percentile(_ fraction: Double) -> Double { Self.percentile(fraction, ofSorted: times.sorted()) }

    package var median: Double { percentile(0.5) }

    static func percentile(_ fraction: Double, ofSorted times: [Double]) -> Double {
        guard !times.isEmpty else { return 0 }
        return times[max(0, min(times.count - 1, Int(fraction * Double(times.count - 1) + 0.5)))]
    }
}
