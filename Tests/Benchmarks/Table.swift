internal import Benchmarking
internal import Glibc

/// The machine's load, as /proc tells it: printed before and after, so that a noisy run shows.
enum MachineLoad {
    static var text: String { BenchCase.text(HostFacts.now().load) }
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
