internal import ArgumentParser
internal import Benchmarking
internal import CommandOutput
internal import Glibc
internal import Glovebox
internal import LinuxPrimitives
internal import SandboxPolicy
internal import StrictJSON

/// How every benchmark answers.
struct BenchOptions: ParsableArguments {
    @Flag(help: "Print JSON, with a versioned `schema`.") var json = false
    @Option(
        help: ArgumentHelp("Draw the cases as bars into this file, as SVG.", valueName: "file.svg"), completion: .file(extensions: ["svg"]))
    var plot: String?

    static let exitCodes = """
        Exit codes: 0 measured on a quiet machine; 75 measured, but the machine was too noisy for good numbers; 125 something of Glovebox \
        did not work. A bound that does not hold is said, and changes no exit code.
        """

    /// What benchmarks take from this program.
    func host() throws -> BenchHost {
        let policies = LoadedPolicies()
        return try BenchHost(tools: PolicyStore.standard().shippedDirectory.map { $0 + "/tools" }) {
            name throws(PolicyError) in try policies.policy(name)
        }
    }

    /// Says everything and gives the exit code.
    func show(_ report: BenchReport) throws -> Int32 {
        if let plot { try draw(report, plot) }
        if json {
            Document.print("bench/1", report.members)
        } else {
            BenchText(report, style: .of(1)).print()
        }
        if report.hasFailed { return ExitStatus.failure }
        return report.noise.isQuiet ? ExitStatus.success : ExitStatus.noisy
    }

    private func draw(_ report: BenchReport, _ path: String) throws {
        do {
            let file = try PathResolution.open(path: path, flags: O_WRONLY | O_CREAT | O_TRUNC, mode: 0o644, resolve: [])
            try Transfer.writeAll(file.rawValue, Array(report.plot.svg.utf8))
        } catch {
            throw CommandFailure.failed("the picture could not be written to \(printable(path)): \(error); name another file")
        }
    }
}
