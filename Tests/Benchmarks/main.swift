// glovebox-bench: programs to run, never tests. Everything it starts ends with it.
//   glovebox-bench launch [--rounds N]     /bin/true bare; sealed cold, from a template and prepared; whole commands; stages
//   glovebox-bench python [--rounds N]     python3 -c pass bare, sealed, and sealed by an interpreter that waited
//   glovebox-bench policy                  what a policy costs before the launch, step by step
//   glovebox-bench broker [--rounds N]     a decision with 1, 100 and 1000 records
//   glovebox-bench store [--records N]     the runtime's records: audit append, commits, opening and verifying, decoding
//   glovebox-bench quantum [--rounds N]    one quantum of an agent: its records alone, and with a sealed file read
//   glovebox-bench throughput [--seconds N] [--ready N] [--builders N] [--nice N]
//                                          four callers at once, bare and sealed in turns
//   glovebox-bench file-read [--rounds N]  one built-in file read, with a worker of its own and with one that waited
//   glovebox-bench soak [--runs N]         leaks and memory over many runs
internal import Glibc
internal import LinuxPrimitives
internal import SandboxLauncher

func value(after option: String, default fallback: Int) -> Int {
    guard let at = CommandLine.arguments.firstIndex(of: option), at + 1 < CommandLine.arguments.count else { return fallback }
    return Int(CommandLine.arguments[at + 1]) ?? fallback
}

/// The policies of the source tree: the first `policies` directory from the program upwards.
func findPolicies(from program: String) -> String? {
    var directory = program
    for _ in 0..<6 {
        guard let slash = directory.lastIndex(of: "/") else { return nil }
        directory = String(directory[..<slash])
        if access(directory + "/policies/runtime.yaml", R_OK) == 0 { return directory + "/policies" }
    }
    return nil
}

let mode = CommandLine.arguments.dropFirst().first { !$0.hasPrefix("-") } ?? "launch"
do {
    let program = try PathResolution.canonicalPath("/proc/self/exe")
    guard let directory = findPolicies(from: program) ?? getenv("GLOVEBOX_POLICIES").map({ String(cString: $0) }) else {
        throw SystemError(errno: ENOENT, operation: "find", object: "the policies directory above \(program)")
    }
    let policies = BenchmarkPolicies(directory: directory)
    switch mode {
    case "launch":
        let place = String(program[..<(program.lastIndex(of: "/") ?? program.endIndex)])
        try LaunchBenchmark(directory: place, policies: policies, rounds: value(after: "--rounds", default: 200)).run()
    case "python":
        try PythonBenchmark(policies: policies, rounds: value(after: "--rounds", default: 200)).run()
    case "policy":
        try PolicyBenchmark(policies: policies).run()
    case "broker":
        try BrokerBenchmark(rounds: value(after: "--rounds", default: 200)).run()
    case "store":
        try await StoreBenchmark(records: value(after: "--records", default: 100_000)).run()
    case "quantum":
        try await QuantumBenchmark(policies: policies, rounds: value(after: "--rounds", default: 200)).run()
    case "throughput":
        var settings = SandboxPoolSettings()
        settings.perKind = value(after: "--ready", default: settings.perKind)
        settings.total = max(settings.total, settings.perKind)
        settings.builders = value(after: "--builders", default: settings.builders)
        settings.builderNice = Int32(value(after: "--nice", default: Int(settings.builderNice)))
        try ThroughputBenchmark(policies: policies, seconds: value(after: "--seconds", default: 20), settings: settings).run()
    case "file-read":
        _ = try await FileReadBenchmark(policies: policies, rounds: value(after: "--rounds", default: 300)).run()
    case "soak":
        exit(try SoakBenchmark(policies: policies, runs: value(after: "--runs", default: 10_000)).run() ? 0 : 1)
    default:
        print(
            "glovebox-bench: `\(mode)` is none of `launch`, `python`, `policy`, `broker`, `store`, `quantum`, `file-read`, `throughput`, "
                + "`soak`")
        exit(64)
    }
} catch {
    print("glovebox-bench: \(error)")
    exit(1)
}
