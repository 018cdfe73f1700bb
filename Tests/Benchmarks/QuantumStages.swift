internal import LibOSModel
internal import StrictJSON

/// Where the time of quanta with a sealed call goes: from the store's transactions, and from the run's own report.
struct QuantumStages {
    private static let names = [
        "context and model record", "decision and intent", "intent waits for the disk", "files and confinement", "launch",
        "worker, from exec to its end", "teardown", "records of the outcome",
    ]
    private var measurements = names.map { Measurement(name: $0) }
    private var transactions = 0
    private var rounds = 0

    /// What a quantum costs that has neither a model nor a worker to wait for.
    private(set) var records = Measurement(name: "records in all")

    mutating func add(_ steps: [TimedStore.Step], began: UInt64, ended: UInt64, report: JSONValue) throws {
        guard let at = steps.firstIndex(where: { $0.durability == .power }), case .array(let stages)? = report["stages"] else {
            throw LibOSError(.validation, "a quantum had no intent, or its run no report")
        }
        func spent(_ from: UInt64, _ to: UInt64) -> Double { Double(to - from) / 1000 }
        var inRun: [String: Double] = [:]
        for stage in stages {
            guard case .string(let name)? = stage["name"], case .int(let microseconds)? = stage["microseconds"] else { continue }
            inRun[name] = Double(microseconds)
        }
        let intent = steps[at]
        let closing = at + 1 < steps.count ? steps[at + 1].asked : ended
        let run = inRun.values.reduce(0, +)
        let (worker, teardown) = (inRun["run"] ?? 0, inRun["teardown"] ?? 0)
        let times = [
            spent(began, intent.asked), spent(intent.asked, intent.decided), spent(intent.decided, intent.answered),
            max(0, spent(intent.answered, closing) - run), run - worker - teardown, worker, teardown, spent(closing, ended),
        ]
        for (index, time) in times.enumerated() { measurements[index].add(time) }
        records.add(times[0] + times[1] + times[2] + times[7])
        transactions += steps.count
        rounds += 1
    }

    func show() {
        Table.row("  its stages", ["min", "median", "p90"])
        for item in measurements + [records] {
            Table.row("    " + item.name, [0, 0.5, 0.9].map { Table.number(item.percentile($0), decimals: 0) })
        }
        if rounds > 0 { print("  transactions in a quantum: \(Table.number(Double(transactions) / Double(rounds), decimals: 1))") }
    }
}
