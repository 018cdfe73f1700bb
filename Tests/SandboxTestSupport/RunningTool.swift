internal import Glibc
internal import LinuxPrimitives
package import SandboxLauncher
package import SandboxPolicy
package import TestSupport

/// A run that is under way: the processes of its tree as the host sees them.
package struct RunningTool: Sendable {
    package let launcher: ProcessTable.Entry
    package let initProcess: ProcessTable.Entry
    package let tool: ProcessTable.Entry
    package let cancellation: RunCancellation

    /// The sandbox's init, the tool and everything below them.
    package var tree: [ProcessTable.Entry] { get throws { try ProcessTable.tree(of: initProcess.pid) } }

    package struct NotFound: Error { package let marker: String }

    /// Finds a tree by a word that the tool's command line holds.
    package static func find(_ marker: String, _ cancellation: RunCancellation) throws -> RunningTool {
        for tool in try ProcessTable.running(marker) {
            guard let first = try ProcessTable.entry(tool.parent), let launcher = try ProcessTable.entry(first.parent),
                first.name.hasPrefix("glovebox-launch"), launcher.name.hasPrefix("glovebox-launch")
            else { continue }
            return RunningTool(launcher: launcher, initProcess: first, tool: tool, cancellation: cancellation)
        }
        throw NotFound(marker: marker)
    }
}

extension SandboxFixture {
    /// Runs a shell script that prints a line when it is ready, calls `body` then, and gives the run's report. The run is
    /// cancelled when `body` throws. The script sees its own marker as `$0`.
    package func whileRunning<Value: Sendable>(
        _ policy: ResolvedPolicy, script: String, _ body: (RunningTool) async throws -> Value
    ) async throws -> (Value, RunReport) {
        var pipe = try Pipe.make()
        var lines = LineReader(pipe.takeFirst())
        let writing = pipe.takeSecond()
        let marker = "marker-\(id)-\(MonotonicClock.now())"
        let request = try request(
            policy, ["/bin/sh", "-c", script, marker],
            output: .forward(stdout: writing.rawValue, stderr: writing.rawValue, sanitizeStdout: false, sanitizeStderr: false))
        let run = try BackgroundRun(supervisor, request)
        do {
            guard let first = try lines.next(), first == "ready" else { throw RunningTool.NotFound(marker: "the script was not ready") }
            let value = try await body(try RunningTool.find(marker, run.cancellation))
            let report = await run.report()
            writing.close()
            return (value, report)
        } catch {
            run.cancellation.cancel()
            _ = await run.report()
            throw error
        }
    }
}
