internal import ArgumentParser
internal import Benchmarking
internal import CapabilityLanguage

struct BenchLaunchCommand: StoreCommand {
    static let configuration = CommandConfiguration(
        commandName: "launch",
        abstract: "What a sealed start of /bin/true takes, beside a bare one and every other sandbox on this machine.",
        discussion: """
            Everything in turn, in one run: `bare` is a posix_spawn; `cold`, `template` and `prepared` are the library's three ways to a \
            sandbox; the `python` cases are python3 -c pass, the `file-read` cases a file read by the built-in tool, decided and recorded; the \
            parked ones are served by a process that waited; `glovebox-command` is the whole command, by itself and with a server; then bwrap, nsjail, sandlock, firejail, runc and crun, each asked for the same isolation. \
            The commands are printed. The rounds take 32 seconds at most; `n` says how many there were.

            \(BenchOptions.exitCodes)
            """)

    @Option(help: ArgumentHelp("Rounds, 1 to 100000.", valueName: "count")) var rounds = 200
    @Option(help: ArgumentHelp("Only these cases, separated by commas; `bare` is always there.", valueName: "names")) var only: [String] =
        []
    @OptionGroup var options: BenchOptions

    func validate() throws {
        guard (1...100_000).contains(rounds) else { throw ValidationError("--rounds takes 1 to 100000") }
        _ = try names()
    }

    /// Nil for all.
    func names() throws -> Set<String>? {
        if only.isEmpty { return nil }
        let words = only.flatMap { $0.split(separator: ",") }.map(String.init)
        if words.isEmpty { throw ValidationError("--only names no case; known are: \(LaunchCaseName.all.joined(separator: ", "))") }
        for word in words where !LaunchCaseName.all.contains(word) {
            let mend = NearestWord.mend(for: word, among: LaunchCaseName.all)
            throw ValidationError("--only \(word) is no case; \(mend)")
        }
        return Set(words)
    }

    func perform(_ interruption: Interruption) async throws -> Int32 {
        var benchmark = LaunchBenchmark()
        benchmark.rounds = rounds
        benchmark.only = try names()
        let final = benchmark
        return try await options.perform("launch", interruption) { host, progress, check in
            try await final.run(host, progress: progress, check: check)
        }
    }
}
