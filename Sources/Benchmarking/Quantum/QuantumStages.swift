internal import LibOSModel
internal import StrictJSON

/// Where the time of quanta goes: into each of the store's transactions, into what lies between them, and, when a call was sealed, into
/// its run. Model and worker are measured apart, and everything else of a quantum is its overhead.
struct QuantumStages {
    /// Transactions of a quantum, in their order. A commit is a line of its own, with what it waits for the disk.
    private let transactions: [String]
    private let isSealed: Bool
    private var lines: [Measurement] = []
    private var overhead = Measurement(name: "overhead: all of these")
    private var sandbox: [Measurement] = []
    private var apart = [Measurement(name: "the model (a script)")]

    /// A call that is answered at once.
    static let answered = QuantumStages(["prompt and context", "the model's answer", "the action"], isSealed: false)
    static let sealed = QuantumStages(
        ["prompt and context", "the model's answer", "decision and intent", "the outcome and the action"], isSealed: true)

    private init(_ transactions: [String], isSealed: Bool) {
        self.transactions = transactions
        self.isSealed = isSealed
        for name in transactions {
            lines.append(Measurement(name: name))
            lines.append(Measurement(name: name + ": its commit"))
        }
        lines.append(Measurement(name: "between the transactions"))
        if isSealed {
            sandbox = ["files and confinement", "launch", "teardown"].map { Measurement(name: $0) }
            apart.append(Measurement(name: "the worker, from exec to its end"))
        }
    }

    /// - Parameters:
    ///   - model: Nanoseconds in the model client.
    ///   - report: Of the sealed run.
    mutating func add(_ steps: [TimedStore.Step], began: UInt64, ended: UInt64, model: UInt64, report: JSONValue = .null) throws {
        guard steps.count == transactions.count else {
            throw LibOSError(.validation, "a quantum had \(steps.count) transactions instead of \(transactions.count)")
        }
        func spent(_ from: UInt64, _ to: UInt64) -> Double { Double(to - from) / 1000 }
        var times: [Double] = []
        for step in steps { times += [spent(step.asked, step.decided), spent(step.decided, step.answered)] }
        var run: [String: Double] = [:]
        if isSealed {
            guard case .array(let stages)? = report["stages"] else { throw LibOSError(.validation, "a sealed run has no report") }
            for stage in stages {
                guard case .string(let name)? = stage["name"], case .int(let microseconds)? = stage["microseconds"] else { continue }
                run[name] = Double(microseconds)
            }
            let (worker, teardown) = (run["run"] ?? 0, run["teardown"] ?? 0)
            let all = run.values.reduce(0, +)
            // Between the intent and the outcome lies the run; what of it the launcher does not report is the supervisor's own work.
            let around = max(0, spent(steps[2].answered, steps[3].asked) - all)
            for (index, time) in [around, all - worker - teardown, teardown].enumerated() { sandbox[index].add(time) }
            apart[1].add(worker)
            run["around"] = around
        }
        times.append(max(0, spent(began, ended) - times.reduce(0, +) - Double(model) / 1000 - run.values.reduce(0, +)))
        for (index, time) in times.enumerated() { lines[index].add(time) }
        overhead.add(times.reduce(0, +))
        apart[0].add(Double(model) / 1000)
    }

    /// Every part, beneath the name of what it is a part of.
    var parts: [(group: String, item: BenchCase)] {
        let name = isSealed ? "the quantum with a sealed read" : "the records alone"
        var result = (lines + [overhead]).map { ("\(name), by part", BenchCase($0)) }
        result += sandbox.map { ("the sandbox around its worker", BenchCase($0)) }
        result += apart.map { ("\(name), not counted", BenchCase($0)) }
        return result
    }
}
