internal import ArgumentParser
internal import Benchmarking

struct BenchQuantumCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "quantum", abstract: "What one turn of an agent takes, with and without a sealed read of a file, part by part.",
        discussion: """
            A scripted agent, so no model's time is in it. `records-alone` is a turn whose call is answered at once, `sealed-read` one whose \
            call is made by the sealed worker, `fresh-process` a /bin/cat of the same file. The parts are the store's transactions, what \
            lies between them, and the sandbox around the worker.

            \(BenchOptions.exitCodes)
            """)

    @Option(help: ArgumentHelp("Rounds, 1 to 10000.", valueName: "count")) var rounds = 200
    @OptionGroup var options: BenchOptions

    func validate() throws {
        guard (1...10_000).contains(rounds) else { throw ValidationError("--rounds takes 1 to 10000") }
    }

    func perform(_ interruption: Interruption) async throws -> Int32 {
        var benchmark = QuantumBenchmark()
        benchmark.rounds = rounds
        let final = benchmark
        return try await options.perform("quantum", interruption) { host, progress, check in
            try await final.run(host, progress: progress, check: check)
        }
    }
}
