internal import LibOSModel
internal import LinuxPrimitives
internal import SQLiteRuntimeStore
internal import SandboxLauncher
internal import StrictJSON

/// The built-in tool reads a file: decision, sandbox, worker and records.
actor FileRead {
    private let runtime: BenchRuntime
    private let name: String
    private let kind: LaunchKind
    private var process: ProcessID?
    private var calls = 0
    private var isFirst = true
    /// Of calls that were what they should have been: in the order in which they come.
    private var stages: [Measurement] = []

    /// For the worker to be there, nanoseconds.
    private static let patience: UInt64 = 5_000_000_000

    /// - Parameter kind: how each call has to come to its sandbox.
    init(_ runtime: BenchRuntime, name: String, launchedAs kind: LaunchKind) {
        self.runtime = runtime
        self.name = name
        self.kind = kind
    }

    nonisolated var benchmark: BenchmarkCase {
        BenchmarkCase(
            name: name, command: "ToolBroker.call, tool read_text_file", before: { await self.prepare() }, run: { await self.read() })
    }

    func close() async { await runtime.close() }

    /// Looks whether the last call was what it should have been, and has everything ready for the next.
    private func prepare() async -> String? {
        do {
            if let problem = try await lastCallProblem() { return problem }
            if process == nil || calls >= BenchRuntime.callsOfAProcess { process = try await runtime.spawn() }
            if calls >= BenchRuntime.callsOfAProcess { calls = 0 }
            if isFirst {
                // Templates and pools are made for what was asked for before.
                for _ in 0..<3 { if let problem = await read() { return problem } }
                isFirst = false
                calls = 0
            }
            defer { _ = runtime.observed.takeSteps() }
            guard kind == .parked else { return nil }
            let deadline = MonotonicClock.now() + Self.patience
            while runtime.supervisor.preparedCount == 0 {
                guard MonotonicClock.now() < deadline else { return "no worker was waiting after 5 seconds" }
                try await Task.sleep(nanoseconds: 200_000)
            }
            return nil
        } catch {
            return "\(error)"
        }
    }

    private func lastCallProblem() async throws -> String? {
        let steps = runtime.observed.takeSteps()
        guard calls > 0, let process else { return nil }
        let call = try await runtime.store.read { store throws(LibOSError) in
            try store.toolCalls(of: process, state: nil, limit: 1).first
        }
        guard case .string(let launch)? = call?.report["launch"] else { return "the last call has no report" }
        guard launch == kind.rawValue else { return "the last launch was \(launch)" }
        note(steps, call?.report["stages"])
        return nil
    }

    private func note(_ steps: [TimedStore.Step], _ report: JSONValue?) {
        func add(_ name: String, _ microseconds: Double) {
            let index = stages.firstIndex { $0.name == name } ?? stages.endIndex
            if index == stages.endIndex { stages.append(Measurement(name: name)) }
            stages[index].add(microseconds)
        }
        for (index, step) in steps.enumerated() {
            add("transaction \(index + 1): deciding", Double(step.decided - step.asked) / 1000)
            add("transaction \(index + 1): commit", Double(step.answered - step.decided) / 1000)
        }
        if steps.count == 2 { add("between the transactions", Double(steps[1].asked - steps[0].answered) / 1000) }
        guard case .array(let list)? = report else { return }
        for stage in list {
            guard case .string(let name)? = stage["name"], case .int(let microseconds)? = stage["microseconds"] else { continue }
            add("run: " + name, Double(microseconds))
        }
    }

    /// Transactions of the store, and stages of the run between them.
    func parts() -> [(group: String, item: BenchCase)] { stages.map { ("parts of \(name)", BenchCase($0)) } }

    private func read() async -> String? {
        guard let process else { return "there is no process" }
        calls += 1
        return await runtime.read(as: process)
    }
}
