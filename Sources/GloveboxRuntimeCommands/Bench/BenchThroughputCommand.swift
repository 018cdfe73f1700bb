internal import ArgumentParser
internal import Benchmarking

struct BenchThroughputCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "throughput", abstract: "How many sealed starts a second many callers get, beside bare ones, and what stays behind.",
        discussion: """
            Callers that each start the next /bin/true when the last has ended, bare and sealed in slices by turns. What the pool builds \
            again is counted into the slice that used it up. Memory, descriptors, processes, namespaces and mounts of this program and all \
            below it are counted before and after. It takes twice the seconds: that many of each kind.

            \(BenchOptions.exitCodes)
            """)

    @Option(help: ArgumentHelp("Callers at once, 1 to 64.", valueName: "count")) var callers = 4
    @Option(help: ArgumentHelp("Seconds of each kind, 1 to 3600.", valueName: "count")) var seconds = 10
    @OptionGroup var options: BenchOptions

    func validate() throws {
        guard (1...64).contains(callers) else { throw ValidationError("--callers takes 1 to 64") }
        guard (1...3600).contains(seconds) else { throw ValidationError("--seconds takes 1 to 3600") }
    }

    func perform(_ interruption: Interruption) async throws -> Int32 {
        var benchmark = ThroughputBenchmark()
        (benchmark.callers, benchmark.seconds) = (callers, seconds)
        let final = benchmark
        return try await options.perform("throughput", interruption) { host, progress, check in
            try await final.run(host, progress: progress, check: check)
        }
    }
}
