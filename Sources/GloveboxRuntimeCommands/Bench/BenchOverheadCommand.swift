internal import ArgumentParser
internal import Benchmarking
internal import CapabilityLanguage

struct BenchOverheadCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "overhead", abstract: "What work costs inside, beside outside and beside bwrap with the same filter.",
        discussion: """
            A program that does one kind of work and times it by itself, so that no launch is in the number, nor what others \
            take of the processors: the times are processor time, and the wall clock's are told beside them. `cpu` computes, `files` walks a \
            tree and reads every file, `open` is what it does most, `getppid`, `read` and `write` are the cheapest system calls there are.

            \(BenchOptions.exitCodes)
            """)

    @Option(help: ArgumentHelp("Rounds, 1 to 10000.", valueName: "count")) var rounds = 60
    @Option(help: ArgumentHelp("Only this work, separated by commas.", valueName: "names")) var only: [String] = []
    @OptionGroup var options: BenchOptions

    func validate() throws {
        guard (1...10_000).contains(rounds) else { throw ValidationError("--rounds takes 1 to 10000") }
        _ = try works()
    }

    /// Nil for all.
    func works() throws -> Set<Workload>? {
        if only.isEmpty { return nil }
        return Set(
            try only.flatMap { $0.split(separator: ",") }.map { word in
                guard let work = Workload(rawValue: String(word)) else {
                    let mend = NearestWord.mend(for: String(word), among: Workload.allCases.map(\.rawValue))
                    throw ValidationError("--only \(word) is no work; \(mend)")
                }
                return work
            })
    }

    func perform(_ interruption: Interruption) async throws -> Int32 {
        var benchmark = OverheadBenchmark()
        (benchmark.rounds, benchmark.only) = (rounds, try works())
        let final = benchmark
        return try await options.perform("overhead", interruption) { host, progress, check in
            try await final.run(host, progress: progress, check: check)
        }
    }
}
