import CommandOutput
import SandboxLauncher
import Testing

@testable import GloveboxCommands

@Suite struct RunSummaryTests {
    @Test func nothingToTell() {
        #expect(RunSummary.lines(MadeUpReport.make(.exited(code: 0)), style: .plain) == [])
        #expect(RunSummary.lines(MadeUpReport.make(.exited(code: 3)), style: .plain) == [])
    }

    @Test func everyOtherOutcomeIsOneLine() {
        for (outcome, _) in MadeUpReport.outcomes {
            if case .exited = outcome { continue }
            let lines = RunSummary.lines(MadeUpReport.make(outcome), style: .plain)
            #expect(lines.count == 1 && lines[0].hasPrefix("glovebox: "), "\(outcome)")
        }
        #expect(
            RunSummary.lines(MadeUpReport.make(.timedOut(limitMilliseconds: 60_000)), style: .plain)
                == ["glovebox: timed out after 1m; --timeout gives more"])
    }

    @Test func aLimitIsToldOnce() {
        var report = MadeUpReport.make(.timedOut(limitMilliseconds: 1000))
        report.limitHits = [LimitHit(limit: "wall", value: "1s", detail: "ended"), LimitHit(limit: "pids", value: "64", detail: "refused")]
        #expect(
            RunSummary.lines(report, style: .plain) == [
                "glovebox: timed out after 1s; --timeout gives more", "glovebox: limit pids (64): refused",
            ])
    }

    @Test func aPipelineThatEndsIsNoNews() {
        #expect(RunSummary.lines(MadeUpReport.make(.signaled(signal: 13)), style: .plain) == [])
    }

    @Test func aViolationExplainsItself() {
        var report = MadeUpReport.make()
        var violation = MadeUpReport.violation(count: 3)
        violation.allowedBy = "{allow: \"syscall:@vsock\", rights: [execute]}"
        violation.rule = "guarded.yaml:4"
        report.violations = [violation]
        #expect(
            RunSummary.lines(report, style: .plain) == [
                "glovebox: refused 3 times socket(AF_VSOCK, SOCK_STREAM, 0) by python3 [7]: EPERM",
                "  why:   this family reaches the host (guarded.yaml:4)",
                "  allow: {allow: \"syscall:@vsock\", rights: [execute]}",
            ])
    }

    @Test func aFloodIsCounted() {
        var report = MadeUpReport.make()
        report.violations = (0..<20).map { MadeUpReport.violation("\($0)") }
        report.violationsDropped = 100
        let lines = RunSummary.lines(report, style: .plain)
        #expect(lines.count == RunSummary.mostViolations * 3 + 1)
        #expect(lines.last == "glovebox: and 112 more refused calls; --report FILE lists what was kept")
    }

    @Test(arguments: ["\u{1B}]0;owned\u{07}", "\u{9B}2J", "a\nglovebox: all is well", "\u{202E}txt.exe", "\rover", "\t"])
    func nothingThatATerminalObeysSurvives(hostile: String) {
        var report = MadeUpReport.make(.notFound(program: hostile))
        report.violations = [MadeUpReport.violation(hostile, program: hostile)]
        report.limitHits = [LimitHit(limit: hostile, value: hostile, detail: hostile)]
        for outcome in [
            RunOutcome.notFound(program: hostile), .notExecutable(program: hostile, errno: 13), .violation(hostile),
            .setupFailed(stage: hostile, errno: 1, message: hostile), .outputLimitExceeded(limit: 1, stream: hostile),
        ] {
            report.outcome = outcome
            let lines = RunSummary.lines(report, style: .plain)
            #expect(lines.count == 5)
            for scalar in lines.joined().unicodeScalars {
                #expect(scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value) && !(0x202A...0x202E).contains(scalar.value))
            }
        }
    }

    @Test func longNamesAreShortened() {
        var report = MadeUpReport.make()
        report.violations = [MadeUpReport.violation(String(repeating: "a", count: 100_000))]
        #expect(RunSummary.lines(report, style: .plain)[0].count < 300)
    }

    @Test func colourOnlyWhereItIsWanted() {
        #expect(!TextStyle.decide(isTerminal: false, noColor: nil, force: nil, terminal: "xterm").usesColour)
        #expect(TextStyle.decide(isTerminal: true, noColor: nil, force: nil, terminal: "xterm").usesColour)
        #expect(!TextStyle.decide(isTerminal: true, noColor: nil, force: nil, terminal: "dumb").usesColour)
        #expect(!TextStyle.decide(isTerminal: true, noColor: "1", force: "1", terminal: "xterm").usesColour)
        #expect(TextStyle.decide(isTerminal: true, noColor: "", force: nil, terminal: "xterm").usesColour)
        #expect(TextStyle.decide(isTerminal: false, noColor: nil, force: "1", terminal: nil).usesColour)
        #expect(!TextStyle.decide(isTerminal: false, noColor: nil, force: "0", terminal: nil).usesColour)
        #expect(TextStyle(usesColour: true)("x", .red) == "\u{1B}[31mx\u{1B}[0m")
    }
}
