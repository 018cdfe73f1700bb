import SandboxLauncher
import SandboxPolicy
import StrictJSON
import Testing

@testable import GloveboxCommands

@Suite struct RunReportJSONTests {
    @Test func golden() {
        var report = MadeUpReport.make()
        report.violations = [MadeUpReport.violation(count: 2)]
        report.violationsDropped = 4
        report.limitHits = [LimitHit(limit: "pids", value: "64", detail: "3 new processes were refused")]
        let expected = """
            {"launch":"cold","limit_hits":[{"detail":"3 new processes were refused","limit":"pids","value":"64"}],\
            "outcome":{"code":3,"exit_code":3,"kind":"exited"},\
            "policy":{"hash":"sha256:00","name":"workspace"},\
            "receipt":[{"detail":"ABI 3 of 9 known","layer":"landlock","state":"partial"}],\
            "schema":"glovebox.run/1",\
            "stages":[{"microseconds":12,"name":"prepare"},{"microseconds":30,"name":"exec"}],\
            "stderr":{"cut_bytes":0,"text":"","total_bytes":0},\
            "stdout":{"cut_bytes":0,"text":"hello","total_bytes":5},\
            "usage":{"cpu_us":700,"created_files":1,"disk_bytes":10,"peak_memory_bytes":4096,"stderr_bytes":0,"stdout_bytes":5,"wall_us":1500},\
            "violations":[{"allowed_by":null,"answer":"EPERM","arguments":"AF_VSOCK, SOCK_STREAM, 0","count":2,"layer":"seccomp","pid":7,\
            "program":"python3","reason":"this family reaches the host","rule":null,"syscall":"socket"}],\
            "violations_dropped":4}
            """
        #expect(RunReportJSON.value(report, includingOutput: true).canonicalText == expected)
        let without = RunReportJSON.value(report, includingOutput: false)
        #expect(without["stdout"] == nil && without["stderr"] == nil && without["schema"] == .string("glovebox.run/1"))
    }

    @Test func everyOutcomeHasItsKindAndExitCode() {
        for (outcome, code) in MadeUpReport.outcomes {
            let value = RunReportJSON.outcome(outcome)
            #expect(value["kind"] == .string(outcome.kind))
            #expect(value["exit_code"] == .int(Int64(code)))
        }
        #expect(Set(MadeUpReport.outcomes.map(\.outcome.kind)).count == 13)
        #expect(
            RunReportJSON.outcome(.outputLimitExceeded(limit: 9, stream: "stderr")).canonicalText
                == #"{"exit_code":137,"kind":"output_limit_exceeded","limit_bytes":9,"stream":"stderr"}"#)
    }

    @Test func bytesThatAreNoText() {
        let value = CapturedOutputJSON.value(CapturedOutput(head: [0xFF, 0x00], tail: [0x41], totalBytes: 3))
        #expect(value["base64"] == .string("/wBB"))
        #expect(value["text"] == nil)
        #expect(value["cut_bytes"] == .int(0))
    }

    @Test func aCutThroughACharacterLosesOnlyThatCharacter() {
        // é is C3 A9: the head ends in its first byte, the tail begins with the second of another.
        let value = CapturedOutputJSON.value(CapturedOutput(head: [0x61, 0xC3], tail: [0xA9, 0x62], totalBytes: 100))
        #expect(value.canonicalText == #"{"cut_bytes":98,"tail_text":"b","text":"a","total_bytes":100}"#)
        let whole = CapturedOutputJSON.value(CapturedOutput(head: [0xC3, 0xA9], tail: [0x62], totalBytes: 4))
        #expect(whole.canonicalText == #"{"cut_bytes":1,"tail_text":"b","text":"é","total_bytes":4}"#)
        let binary = CapturedOutputJSON.value(CapturedOutput(head: [0xFF, 0x61], tail: [0x62], totalBytes: 9))
        #expect(binary.canonicalText == #"{"base64":"/2E=","cut_bytes":6,"tail_text":"b","total_bytes":9}"#)
    }

    @Test(arguments: [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")])
    func base64(text: String, expected: String) {
        #expect(CapturedOutputJSON.base64(Array(text.utf8)) == expected)
    }
}
