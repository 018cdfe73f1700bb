internal import Glibc
internal import LinuxPrimitives
internal import SandboxLauncher
internal import SandboxPolicy
internal import TestSupport

/// `python3 -c pass` without a sandbox; sealed, with everything built for it; and sealed, by an interpreter that had started before.
struct PythonBenchmark {
    let policies: BenchmarkPolicies
    let rounds: Int

    func run() throws {
        let scratch = try ScratchDirectory("bench")
        defer { scratch.remove() }
        let policy = try policies.resolved("python")
        let request = RunRequest(
            arguments: ["/usr/bin/python3", "-c", "pass"],
            confinement: try policy.confinement(workspace: scratch.path, workspaceWritable: true), policyName: policy.name,
            policyHash: policy.hash, output: .capture(keep: 1 << 16))
        let cold = try SandboxSupervisor()
        defer { cold.shutDown() }
        var settings = SandboxPoolSettings()
        (settings.perKind, settings.callsBefore) = (1, .max)
        let parked = try SandboxSupervisor(pool: settings)
        defer { parked.shutDown() }
        let command = "SandboxSupervisor.run, policy python"
        let bare = ["/usr/bin/python3", "-c", "pass"]
        let cases = [
            BenchmarkCase(name: "bare", command: "/bin/true", run: BareLaunch(["/bin/true"]).callAsFunction),
            BenchmarkCase(name: "python-bare", command: bare.joined(separator: " "), run: BareLaunch(bare).callAsFunction),
            BenchmarkCase(name: "python-cold", command: command, run: { Self.end(of: cold.run(request), nil) }),
            BenchmarkCase(
                name: "python-parked", command: command, before: { Self.fill(parked, request) },
                run: { Self.end(of: parked.run(request), .parked) }),
        ]
        let before = Interleaved.load
        let measurements = try Interleaved.measure(cases, rounds: rounds, warmUp: max(3, rounds / 20))
        print("load before \(before), after \(Interleaved.load); \(rounds) interleaved rounds; microseconds")
        Table.row("case", ["min", "median", "p95", "p99", "x python"])
        let python = measurements[1]
        for item in measurements {
            Table.row(
                item.name,
                [0, 0.5, 0.95, 0.99].map { Table.number(item.percentile($0)) }
                    + [Table.number(item.median / python.median, decimals: 3)])
        }
        for item in cases { print("\(item.name): \(item.command)") }
    }

    private static func end(of report: RunReport, _ launch: LaunchKind?) -> String? {
        guard report.outcome == .exited(code: 0) else { return "\(report.outcome)" }
        return launch == nil || report.launch == launch ? nil : "the launch was \(report.launch.rawValue)"
    }

    private static func fill(_ supervisor: SandboxSupervisor, _ request: RunRequest) -> String? {
        do {
            return try supervisor.prepare(for: request) ? nil : "no interpreter waits"
        } catch {
            return "\(error)"
        }
    }
}
