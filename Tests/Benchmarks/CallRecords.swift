internal import LibOSModel
internal import StrictJSON
internal import ToolBroker

/// What one call of a built-in tool costs in records, without a model: decision, intent, outcome, result, events and audit.
struct CallRecords {
    private var lines = [
        "decision and intent", "decision and intent: its commit", "the outcome", "the outcome: its commit",
        "records of the call: all of these",
    ].map { Measurement(name: $0) }

    mutating func add(_ steps: [TimedStore.Step]) throws {
        guard steps.count == 2 else { throw LibOSError(.validation, "a call had \(steps.count) transactions instead of 2") }
        var times: [Double] = []
        for step in steps {
            times += [Double(step.decided - step.asked) / 1000, Double(step.answered - step.decided) / 1000]
        }
        times.append(times.reduce(0, +))
        for (index, time) in times.enumerated() { lines[index].add(time) }
    }

    func show() {
        print("  a read without a model: its records")
        for line in lines { Table.row("    " + line.name, [0, 0.5, 0.9].map { Table.number(line.percentile($0), decimals: 0) }) }
    }

    static func measure(_ broker: ToolBroker, _ store: TimedStore, of processes: () async throws -> ProcessID, rounds: Int) async throws
        -> Self
    {
        var records = CallRecords()
        var process = try await processes()
        for round in 0..<(rounds + 10) {
            if round % 50 == 49 { process = try await processes() }
            _ = store.takeSteps()
            let completion = try await broker.call(
                ToolCallRequest(process: process, tool: "read_text_file", arguments: .object(["path": .string("file.txt")])))
            guard case .done(let result) = completion, result.isOK else { throw LibOSError(.process, "a read did not do its work") }
            if round >= 10 { try records.add(store.takeSteps()) }
        }
        return records
    }
}
