internal import ArgumentParser
internal import CommandOutput
internal import Glovebox
internal import SandboxPolicy
internal import StrictJSON

struct PolicyTestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Check that a policy decides its own examples as it promises.",
        discussion: "Exit code 1 when one fails, or when a policy has no examples.")

    @Argument(help: "Policies by name or by path.") var policies: [String]
    @Flag(help: "Print JSON (glovebox.policy.test/1).") var json = false

    func run() throws {
        let store = PolicyStore.standard()
        let loaded = try policies.map { try store.load($0) }
        var rows: [JSONValue] = []
        var passed = true
        for policy in loaded {
            let failures = policy.failedExamples()
            passed = passed && failures.isEmpty && !policy.examples.isEmpty
            rows.append(
                .object([
                    "policy": .string(policy.name), "examples": .int(Int64(policy.examples.count)),
                    "failures": .array(failures.map(PolicyErrorText.value)),
                ]))
            if json { continue }
            for failure in failures { Console.print(failure.description) }
            let count = policy.examples.count
            Console.print(
                count == 0
                    ? "\(policy.name): no examples; add `examples: {allow: […], deny: […]}`"
                    : "\(policy.name): \(count) examples, \(failures.isEmpty ? "all as promised" : "\(failures.count) wrong")")
        }
        if json {
            Console.printJSON(
                .object([
                    "schema": .string("glovebox.policy.test/1"), "passed": .bool(passed), "policies": .array(rows),
                ]))
        }
        if !passed { throw ExitCode(ExitStatus.negative) }
    }
}
