internal import Glibc
internal import LinuxPrimitives

/// One case of an interleaved run.
struct BenchmarkCase {
    let name: String
    /// The exact command, for people who want to repeat it.
    let command: String
    /// Before each run, and no time of it. Nil when it went well, else what happened.
    var before: () -> String? = { nil }
    /// Nil when it went well, else what happened.
    let run: () -> String?
}

/// A run that did not do its work: its time means nothing, and neither does a table with it.
struct BenchmarkFailure: Error, CustomStringConvertible {
    let name: String
    let command: String
    let round: Int
    let reason: String

    var description: String { "round \(round) of \(name) failed: \(reason)\n  \(command)" }
}

/// The times of a case, microseconds.
struct Measurement {
    let name: String
    private(set) var times: [Double] = []

    init(name: String) {
        self.name = name
    }

    mutating func add(_ microseconds: Double) {
        times.append(microseconds)
    }

    func percentile(_ fraction: Double) -> Double {
        let sorted = times.sorted()
        guard !sorted.isEmpty else { return 0 }
        return sorted[min(sorted.count - 1, Int(fraction * Double(sorted.count - 1) + 0.5))]
    }

    var median: Double { percentile(0.5) }
}

/// Runs the cases in turn, A B C A B C …, so that a slow moment of the machine hits all of them. The first run that fails ends it.
enum Interleaved {
    static func measure(_ cases: [BenchmarkCase], rounds: Int, warmUp: Int) throws -> [Measurement] {
        var measurements = cases.map { Measurement(name: $0.name) }
        for round in 0..<(rounds + warmUp) {
            for (index, item) in cases.enumerated() {
                if let problem = item.before() {
                    throw BenchmarkFailure(name: item.name, command: item.command, round: round, reason: problem)
                }
                let began = MonotonicClock.now()
                let problem = item.run()
                let microseconds = Double(MonotonicClock.now() - began) / 1000
                if let problem { throw BenchmarkFailure(name: item.name, command: item.command, round: round, reason: problem) }
                if round >= warmUp { measurements[index].add(microseconds) }
            }
        }
        return measurements
    }

    /// The machine's load, as /proc tells it: printed before and after, so that a noisy run shows.
    static var load: String {
        var averages = [0.0, 0.0, 0.0]
        getloadavg(&averages, 3)
        return Table.number(averages[0], decimals: 2)
    }
}

enum Table {
    static func number(_ value: Double, decimals: Int = 0) -> String {
        let scale = decimals == 0 ? 1.0 : pow(10, Double(decimals))
        let rounded = (value * scale).rounded() / scale
        guard decimals > 0 else { return "\(Int(rounded))" }
        var text = "\(rounded)"
        let places = text.split(separator: ".").last?.count ?? 0
        if places < decimals { text += String(repeating: "0", count: decimals - places) }
        return text
    }

    static func row(_ first: String, _ rest: [String]) {
        let padded = first + String(repeating: " ", count: max(0, 30 - first.count))
        print(padded + rest.map { String(repeating: " ", count: max(1, 10 - $0.count)) + $0 }.joined())
    }
}
