internal import LinuxPrimitives
internal import SandboxLauncher
internal import SandboxPolicy

/// What stands between a policy's name and a launch, step by step: a one-shot command pays for each once.
struct PolicyBenchmark {
    let policies: BenchmarkPolicies

    func run() throws {
        var times: [(String, [Double])] = []
        func step<Value>(_ name: String, _ body: () throws -> Value) rethrows -> Value {
            let began = MonotonicClock.now()
            let value = try body()
            let spent = Double(MonotonicClock.now() - began) / 1000
            if let at = times.firstIndex(where: { $0.0 == name }) { times[at].1.append(spent) } else { times.append((name, [spent])) }
            return value
        }
        for _ in 0..<30 {
            let policy = try step("load and resolve") { try policies.resolved("workspace") }
            _ = step("hash") { policy.hash }
            let confinement = try step("confinement") { try policy.confinement(workspace: "/srv/project", workspaceWritable: true) }
            let demands = FilterDemands(mediateCreation: true, mediateMemfd: false, mediateNetwork: false, canNotify: true)
            let specification = try step("filter specification") {
                try SyscallCatalogue.specification(
                    for: confinement.syscalls, maySpawn: true, network: confinement.network, demands: demands)
            }
            _ = try step("filter (cached after the first)") { try FilterCompiler.compile(specification) }
        }
        Table.row("step", ["first", "min", "median"])
        for (name, all) in times {
            let sorted = all.sorted()
            Table.row(name, [Table.number(all[0]), Table.number(sorted[0]), Table.number(sorted[sorted.count / 2])])
        }
    }
}
