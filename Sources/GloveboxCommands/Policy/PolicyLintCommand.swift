internal import ArgumentParser
internal import CommandOutput
internal import Glovebox
internal import SandboxPolicy
internal import StrictJSON

struct PolicyLintCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lint",
        abstract: "Find what a policy's author probably did not mean.",
        discussion: "Exit code 1 when there is anything to look at.")

    @Argument(help: "Policies by name or by path.") var policies: [String]
    @Flag(help: "Print JSON (glovebox.policy.lint/1).") var json = false

    func run() throws {
        let store = PolicyStore.standard()
        var findings: [(policy: String, finding: LintFinding)] = []
        for reference in policies {
            let loaded = try store.load(reference)
            findings += loaded.lint().map { (loaded.name, $0) }
        }
        if json {
            Console.printJSON(
                .object([
                    "schema": .string("glovebox.policy.lint/1"),
                    "findings": .array(
                        findings.map { policy, finding in
                            .object([
                                "policy": .string(policy), "kind": .string(finding.kind.rawValue), "at": .string(finding.location),
                                "message": .string(finding.message), "mend": .string(finding.mend),
                            ])
                        }),
                ]))
        } else {
            for (_, finding) in findings { Console.print(finding.description) }
            if findings.isEmpty { Console.print("nothing found") }
        }
        if !findings.isEmpty { throw ExitCode(ExitStatus.negative) }
    }
}
