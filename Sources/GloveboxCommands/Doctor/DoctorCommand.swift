internal import ArgumentParser
internal import CommandOutput
internal import SandboxLauncher
internal import SandboxPolicy
internal import StrictJSON

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Say what this host can enforce, what the rest costs, and how to get it.",
        discussion: "Ends with a real sealed run. Exit code 0 when that works, 1 when it does not.")

    @Flag(help: "Print JSON (glovebox.doctor/1).") var json = false

    func run() throws {
        let trial = TrialRun.perform()
        let findings = KernelFindings.all() + InstallationFindings.all() + [trial.finding] + ServerFindings.all()
        let works = trial.finding.status == .ok
        if json {
            Console.printJSON(
                .object([
                    "schema": .string("glovebox.doctor/1"), "works": .bool(works), "findings": .array(findings.map(\.value)),
                    "trial": trial.report.map { RunReportJSON.value($0, includingOutput: false) } ?? .null,
                ]))
        } else {
            let style = TextStyle.of(1)
            for finding in findings {
                for line in finding.lines(style) { Console.print(line) }
            }
            if let report = trial.report {
                Console.print("")
                Console.print("Receipt of that run:")
                for entry in report.receipt {
                    let state = entry.state.rawValue + String(repeating: " ", count: max(0, 10 - entry.state.rawValue.count))
                    let layer = entry.layer + String(repeating: " ", count: max(0, 19 - entry.layer.count))
                    Console.print("  \(state)\(layer)\(SafeText.line(entry.detail))")
                }
            }
        }
        if !works { throw ExitCode(ExitStatus.negative) }
    }
}
