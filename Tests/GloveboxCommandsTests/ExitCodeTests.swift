import SandboxLauncher
import Testing

@testable import GloveboxCommands

@Suite struct ExitCodeTests {
    @Test func everyOutcome() {
        for (outcome, code) in MadeUpReport.outcomes { #expect(RunCommand.exitCode(outcome, stoppedBy: nil) == code, "\(outcome)") }
    }

    @Test func aSignalToGloveboxIsItsExitCode() {
        #expect(RunCommand.exitCode(.cancelled, stoppedBy: 2) == 130)
        #expect(RunCommand.exitCode(.cancelled, stoppedBy: 15) == 143)
        #expect(RunCommand.exitCode(.exited(code: 0), stoppedBy: 15) == 0) // the tool had ended by itself
    }

    @Test(arguments: [
        (["rnu"], "unknown command `rnu`; did you mean `run`?"), (["doctr", "x"], "unknown command `doctr`; did you mean `doctor`?"),
        (
            ["zzzzzz"],
            "unknown command `zzzzzz`; known are: run, policy, agent, human, tool, capability, audit, why, memory, mcp, hook, bench, serve, pool, doctor, version, help"
        ),
        (["help", "polcy"], "unknown command `polcy`; did you mean `policy`?"),
        (["policy", "chekc"], "unknown policy command `chekc`; did you mean `check`?"),
    ]) func unknownCommands(words: [String], message: String) {
        #expect(GloveboxProgram.unknownCommand(words) == message)
    }

    @Test func usageErrorsAreOneLine() {
        #expect(
            GloveboxProgram.usageLine("Missing expected argument '<policy>'\nmore", ["policy", "check"])
                == "Missing expected argument '<policy>'; see `glovebox help policy check`")
        #expect(GloveboxProgram.usageLine("Unknown option '-x'.", ["-x"]) == "Unknown option '-x'; see `glovebox help`")
    }

    @Test func theRuntimeIsLookedForWhereTheLauncherIs() {
        #expect(
            RuntimeProgram.candidates(programDirectory: "/opt/glovebox/bin")
                == ["/opt/glovebox/bin/glovebox-runtime", "/opt/glovebox/libexec/glovebox/glovebox-runtime"])
    }

    @Test(arguments: [["run"], ["agent"], ["help", "why"], ["policy"], ["policy", "lint", "x"], ["--version"], [], ["help", "run"]])
    func knownCommands(words: [String]) {
        #expect(GloveboxProgram.unknownCommand(words) == nil)
    }
}
