import Glibc
import LinuxPrimitives
import SandboxLauncher
import SandboxPolicy
import SandboxTestSupport
import Testing

/// A launch whose sources were exchanged since they were looked at is tried once more; nothing of the caller's is lost by it.
@Suite(.serialized) struct RetriedLaunchTests {
    @Test(.timeLimit(.minutes(1))) func `the second attempt finds the input whole`() async throws {
        try await SandboxFixture.with { fixture in
            let policy = try TestPolicies.shipped("workspace")
            let place = try fixture.directory("place")
            for round in 1...4 {
                // The supervisor remembers the plan of the round before, and the directory in it.
                #expect(try await fixture.seal(policy, [Products.probe, "cwd"], workspace: place).outcome == .exited(code: 0))
                #expect(rename(place, place + "-\(round)") == 0)
                try fixture.directory("place")
                var pipe = try Pipe.make()
                let reading = pipe.takeFirst()
                let writing = pipe.takeSecond()
                try Transfer.writeAll(writing.rawValue, Array("whole \(round)\n".utf8))
                writing.close()
                // Not prepared in any case: what was known of the directory is of no use.
                let report = await fixture.supervisor.run(
                    try fixture.request(policy, ["/bin/cat"], workspace: place, input: .descriptor(reading.rawValue)))
                #expect(report.outcome == .exited(code: 0), "\(report.outcome)")
                #expect(report.output == "whole \(round)\n")
            }
        }
    }
}
