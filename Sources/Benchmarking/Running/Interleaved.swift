internal import LinuxPrimitives

/// One case of an interleaved run.
package struct BenchmarkCase: Sendable {
    package let name: String
    /// The exact command, for people who want to repeat it.
    package let command: String
    /// A program of others.
    package var isPeer = false
    /// Before each run, and no time of it. Nil when it went well, else what happened.
    package var before: @Sendable () async -> String? = { nil }
    /// Nil when it went well, else what happened.
    package let run: @Sendable () async -> String?
    /// The same once, to find out whether it works and what it says when it does not. Nil when it does.
    package var attempt: (@Sendable () async -> String?)?

    package init(
        name: String, command: String, isPeer: Bool = false, before: @escaping @Sendable () async -> String? = { nil },
        run: @escaping @Sendable () async -> String?, attempt: (@Sendable () async -> String?)? = nil
    ) {
        self.name = name
        self.command = command
        self.isPeer = isPeer
        self.before = before
        self.run = run
        self.attempt = attempt
    }

    /// A whole command.
    package static func command(
        _ name: String, _ arguments: [String], isPeer: Bool = false, extra: InheritedFile? = nil, variables: [String: String] = [:]
    ) -> Self {
        let launch = BareLaunch(arguments, extra: extra, variables: variables)
        let words = variables.map { "\($0.key)=\($0.value)" }.sorted() + arguments
        return BenchmarkCase(
            name: name, command: words.joined(separator: " "), isPeer: isPeer, run: { launch() },
            attempt: {
                let ended = launch.listening()
                return ended.problem.map { ended.complaint.isEmpty ? $0 : "\($0): \(ended.complaint)" }
            })
    }
}

/// The first case did not work, so that there is nothing to compare with.
package struct BenchmarkFailure: Error, CustomStringConvertible {
    package let name: String
    package let command: String
    package let reason: String

    package init(name: String, command: String, reason: String) {
        self.name = name
        self.command = command
        self.reason = reason
    }

    package var description: String { "\(name) failed, so nothing can be compared with it: \(reason) (\(command))" }
}

/// How much of a run has been done.
package struct BenchProgress: Sendable {
    package var what: String
    /// 0…1
    package var share: Double
}

/// Runs the cases in turn, so that a slow moment of the machine hits all of them; every other round backwards, so that what one leaves
/// behind is not always the same one's burden. A case that fails is left out from there on, with its reason.
package struct Interleaved: Sendable {
    package var rounds: Int
    package var warmUp: Int
    /// No further round begins after so many nanoseconds.
    package var longest: UInt64
    package var progress: @Sendable (BenchProgress) -> Void
    /// Throws when the run is to end.
    package var check: @Sendable () throws -> Void

    package init(
        rounds: Int, warmUp: Int, longest: UInt64, progress: @escaping @Sendable (BenchProgress) -> Void,
        check: @escaping @Sendable () throws -> Void
    ) {
        self.rounds = rounds
        self.warmUp = warmUp
        self.longest = longest
        self.progress = progress
        self.check = check
    }

    package struct Result: Sendable {
        /// Of the cases that worked to the end, in their order; every one has the same number of times.
        package var measurements: [Measurement]
        package var failed: [BenchReport.NotMeasured]
    }

    package func measure(_ cases: [BenchmarkCase]) async throws -> Result {
        var result = Result(measurements: cases.map { Measurement(name: $0.name) }, failed: [])
        var working = Array(cases.indices)
        func drop(_ index: Int, _ reason: String) throws {
            let item = cases[index]
            if index == 0 { throw BenchmarkFailure(name: item.name, command: item.command, reason: reason) }
            working.removeAll { $0 == index }
            result.failed.append(.init(name: item.name, state: .failed, why: "\(reason) (\(item.command))", isPeer: item.isPeer))
        }
        for index in cases.indices {
            try check()
            let item = cases[index]
            guard let attempt = item.attempt else { continue }
            var problem = await item.before()
            if problem == nil { problem = await attempt() }
            if let problem { try drop(index, problem) }
        }
        let began = MonotonicClock.now()
        for round in 0..<(rounds + warmUp) {
            let spent = MonotonicClock.now() - began
            // Halves can be compared in any case, but one number alone is none.
            if round > warmUp, spent > longest { break }
            progress(
                BenchProgress(
                    what: round < warmUp ? "warming up" : "round \(round - warmUp + 1) of \(rounds)",
                    share: max(Double(round) / Double(rounds + warmUp), min(1, Double(spent) / Double(longest)))))
            for index in round % 2 == 0 ? working : working.reversed() {
                try check()
                let item = cases[index]
                if let problem = await item.before() {
                    try drop(index, "in round \(round + 1): \(problem)")
                    continue
                }
                let start = MonotonicClock.now()
                let problem = await item.run()
                let microseconds = Double(MonotonicClock.now() - start) / 1000
                if let problem {
                    try drop(index, "in round \(round + 1): \(problem)")
                } else if round >= warmUp {
                    result.measurements[index].add(microseconds)
                }
            }
        }
        result.measurements = working.map { result.measurements[$0] }
        return result
    }
}
